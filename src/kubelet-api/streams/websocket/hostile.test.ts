import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from '../../../support/random.ts';
import { FakeClock } from '../../../support/testing/fake-clock.ts';
import { commandPath, upgrade } from '../../testing/command-client.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from '../../testing/kubelet-api.ts';
import { processProvider } from '../../testing/process-provider.ts';
import { until } from '../../testing/until.ts';

const { parts, record } = processProvider();
const clock = new FakeClock();
let kubelet: TestKubeletApi;
before(async () => {
  const timeouts = { idleMs: 4 * 3_600_000, creationMs: 30_000, clock };
  kubelet = await TestKubeletApi.start({ provider: testProvider(parts), timeouts });
  const web = testPod('web');
  kubelet.pods.add(web, runningObserved(web));
});
after(() => kubelet.stop());

const headers = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  'sec-websocket-protocol': 'v5.channel.k8s.io',
};
const wanted = { stdin: true };
const path = commandPath('/exec/default/web/app', ['cat'], wanted);

/** A WebSocket after its handshake, for frames that no library would send. */
async function raw(): Promise<Duplex> {
  const socket = await upgrade(kubelet, path, headers, 'GET');
  socket.on('error', () => {});
  return socket;
}

/** The code of the close frame with which the server answered; undefined where it hung up without one. */
async function closeCode(socket: Duplex): Promise<number | undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  await until(() => socket.readableEnded || socket.destroyed);
  socket.destroy();
  const at = bytes.indexOf(Buffer.from([0x88, 0x02]));
  return at < 0 ? undefined : bytes.readUInt16BE(at + 2);
}

/** A frame with a mask of zeros, so that its payload stands there as it is. */
function frame(first: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(14);
  head.writeUInt8(first, 0);
  head.writeUInt8(0x80 | 127, 1);
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

describe('frames that break the rules end the session', () => {
  const attacks: readonly [name: string, bytes: Buffer, code: number | undefined][] = [
    ['without a mask', Buffer.from([0x82, 0x02, 0, 0x61]), 1002],
    ['with a reserved bit', frame(0xc2, Buffer.from([0, 1])), 1002],
    ['of an unknown kind', frame(0x83, Buffer.from([0])), 1002],
    ['a ping in pieces', frame(0x09, Buffer.from([0])), 1002],
    ['the rest of nothing', frame(0x80, Buffer.from([0])), 1002],
    ['of 33 MiB', frame(0x82, Buffer.alloc(0), 33 * 1024 * 1024), 1009],
    ['of 2^62 bytes', frame(0x82, Buffer.alloc(0), 2 ** 62), 1009],
    ['an end of a channel that names none', frame(0x82, Buffer.from([255])), undefined],
    ['an end of a channel that names two', frame(0x82, Buffer.from([255, 0, 1])), undefined],
  ];
  for (const [name, bytes, code] of attacks) {
    test(name, async () => {
      const socket = await raw();
      socket.write(bytes);
      assert.equal(await closeCode(socket), code);
      await until(() => record.running === 0);
    });
  }
});

test('bytes for channels that are not there are dropped, and the session goes on', async () => {
  const socket = await raw();
  for (const number of [1, 2, 3, 5, 99, 254]) socket.write(frame(0x82, Buffer.from([number, 0x78])));
  socket.write(frame(0x82, Buffer.alloc(0)));
  socket.write(frame(0x82, Buffer.from([255, 77])));
  socket.write(frame(0x82, Buffer.from('\u0000hello')));
  let answered = '';
  socket.on('data', (chunk) => {
    answered += chunk;
  });
  await until(() => answered.includes('\u0001hello'));
  socket.destroy();
  await until(() => record.running === 0);
});

test('a session opened and dropped three hundred times leaves nothing behind', async () => {
  for (let round = 0; round < 300; round++) (await raw()).destroy();
  await until(() => record.running === 0);
});

test('noise, over and over, ends each session and harms no other', async () => {
  const random = seededRandom(4711);
  for (let round = 0; round < 100; round++) {
    const socket = await raw();
    const noise = Buffer.from(Array.from({ length: 500 }, () => Math.floor(random() * 256)));
    if (random() < 0.5) noise.writeUInt16BE(0x8280 | Math.floor(random() * 126), 0);
    socket.resume();
    socket.end(noise);
    await until(() => socket.readableEnded || socket.destroyed);
    socket.destroy();
  }
  await until(() => record.running === 0);
  assert.equal((await kubelet.get('/healthz')).status, 200);
});
