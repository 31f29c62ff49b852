import type { Duplex } from 'node:stream';
import type { Random } from '../../support/random.ts';
import { upgrade } from './command-client.ts';
import type { TestKubeletApi } from './kubelet-api.ts';
import { SpdyClient } from './spdy-client.ts';

/** Whom to attack: as a caller who has every right, for strangers get no further than 401. */
export type Target = Pick<TestKubeletApi, 'options'>;

/** What an attack has done. */
export interface Attack {
  readonly frames: number;
  readonly connections: number;
  /** Connections that the server ended; the others were dropped by us. */
  readonly cut: number;
}

/** Frames that are written at once; in each, about one breaks the rules, so most of them are looked at. */
const framesAtOnce = 50;
const paths = {
  exec: '/exec/default/web/app?command=cat&input=1&output=1&error=1',
  portForward: '/portForward/default/web',
};

const webSocketHeaders = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  'sec-websocket-protocol': 'v5.channel.k8s.io',
};

/** A connection that has been accepted, whose later errors are nobody's concern. */
export async function accepted(target: Target, transport: 'spdy' | 'websocket'): Promise<Duplex> {
  const socket =
    transport === 'websocket'
      ? await upgrade(target, paths.exec, webSocketHeaders, 'GET')
      : await upgrade(target, paths.portForward, {
          upgrade: 'SPDY/3.1',
          'x-stream-protocol-version': 'portforward.k8s.io',
        });
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

/** Sends frames of chance, legal and not, on as many connections as it takes, some at the same time. */
export async function sendFrames(
  target: Target,
  options: { readonly transport: 'spdy' | 'websocket'; readonly frames: number; readonly random: Random },
): Promise<Attack> {
  const { transport, random } = options;
  const frame = transport === 'spdy' ? spdyFrame : webSocketFrame;
  let [frames, connections, cut] = [0, 0, 0];
  const attacker = async (): Promise<void> => {
    while (frames < options.frames) {
      const socket = await accepted(target, transport);
      if (transport === 'spdy') await openPair(socket);
      connections++;
      const gone = closed(socket);
      while (frames < options.frames && !socket.readableEnded && !socket.destroyed) {
        frames += framesAtOnce;
        const bytes = Buffer.concat(Array.from({ length: framesAtOnce }, () => frame(random)));
        await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
      }
      if (socket.readableEnded || socket.destroyed) cut++;
      socket.destroy();
      await gone;
    }
  };
  await Promise.all(Array.from({ length: 8 }, attacker));
  return { frames, connections, cut };
}

/** So that there are streams (1 and 3) for data to go to. */
async function openPair(socket: Duplex): Promise<void> {
  const client = new SpdyClient(socket);
  for (const streamtype of ['error', 'data']) await client.open({ streamtype, port: '80', requestid: '0' });
}

/** Opens streams and drops them without a word, in turns over both transports. */
export async function openAndDrop(target: Target, times: number): Promise<void> {
  let left = times;
  const attacker = async (): Promise<void> => {
    while (left > 0) {
      const socket = await accepted(target, left-- % 2 === 0 ? 'spdy' : 'websocket');
      // Half a frame, so that there is something to forget.
      socket.write(Buffer.from([0x82, 0xff, 0, 0]));
      socket.destroy();
      await closed(socket);
    }
  };
  await Promise.all(Array.from({ length: 8 }, attacker));
}

/** An error on the way there is part of it. */
function closed(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function noise(random: Random, bytes: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => below(random, 256)));
}

/** Data for both streams, and control frames that may come at any time; now and then whatever chance makes. */
function spdyFrame(random: Random): Buffer {
  const payload = noise(random, below(random, 64));
  const head = Buffer.alloc(8);
  if (below(random, framesAtOnce) === 0) {
    head.writeUInt32BE(random() < 0.5 ? below(random, 2 ** 32) : 0x80030000 + below(random, 12), 0);
    head.writeUInt32BE(below(random, 2 ** (8 + below(random, 24))), 4);
    return Buffer.concat([head, payload]);
  }
  if (random() < 0.5) {
    head.writeUInt32BE(random() < 0.8 ? 3 : 1, 0);
    head.writeUIntBE(payload.length, 5, 3);
    return Buffer.concat([head, payload]);
  }
  // PING, SETTINGS, WINDOW_UPDATE, GOAWAY.
  const body = Buffer.concat([payload, Buffer.alloc(8)]);
  head.writeUInt32BE(0x80030000 + ([6, 4, 9, 7][below(random, 4)] as number), 0);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

/** Messages on all channels, pieces of messages, pings and pongs, and now and then what no client may send. */
function webSocketFrame(random: Random): Buffer {
  const illegal = below(random, framesAtOnce) === 0;
  const control = below(random, 8) === 0;
  const opcode = control ? 9 + below(random, 2) : 2;
  const payload = noise(random, below(random, control ? 126 : 300));
  // Channel 0 is the input, 4 the size of a terminal, 255 the end of a channel; the rest is nobody's.
  if (!control && payload.length > 0) payload.writeUInt8([0, 0, 0, 4, 1, 77][below(random, 6)] as number, 0);
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 8 : 6);
  head.writeUInt8(illegal ? below(random, 256) : 0x80 | opcode, 0);
  head.writeUInt8((illegal && random() < 0.5 ? 0 : 0x80) | (long ? 126 : payload.length), 1);
  if (long) head.writeUInt16BE(payload.length, 2);
  // The mask stays zero: the payload stands there as it is.
  return Buffer.concat([head, payload]);
}
