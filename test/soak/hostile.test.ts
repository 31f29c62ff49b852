import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { KeyPair } from '../../src/kubelet-api/serving-certificate.ts';
import { openAndDrop, sendFrames, type Target } from '../../src/kubelet-api/testing/hostile-clients.ts';
import { messageOf } from '../../src/support/errors.ts';
import { seededRandom } from '../../src/support/random.ts';
import { waitFor } from '../cluster/wait-for.ts';

const mebibyte = 2 ** 20;
const seed = Number(process.env['SEED'] ?? 20_261_125);
/** What the first of anything costs (code, pools, room for garbage) is no growth. */
const warmUp = 0.5;
const allowedGrowthBytes = 20 * mebibyte;
/** For 512 connections, and for those cut that wait for the collector: far from the 512 MiB of the manifest in deploy/. */
const floodBytes = 256 * mebibyte;

interface Resources {
  readonly residentBytes: number;
  /** Where it was asked. */
  readonly heapBytes?: number;
  readonly descriptors: number;
}

for (const transport of ['spdy', 'websocket'] as const) {
  test(`a million frames of chance over ${transport} (SEED=${seed})`, async (context) => {
    const server = await HostileTarget.start(context);
    const random = seededRandom(seed);
    const send = (frames: number): ReturnType<typeof sendFrames> => sendFrames(server, { transport, frames, random });
    await send(1_000_000 * warmUp);
    await server.holdsStill(context, async () => {
      const { frames, connections, cut } = await send(1_000_000);
      context.diagnostic(`${frames} frames on ${connections} connections, of which the server cut ${cut}`);
      assert.ok(cut > connections / 2);
    });
  });
}

test('a session opened and dropped 10,000 times', async (context) => {
  const server = await HostileTarget.start(context);
  await openAndDrop(server, 10_000 * warmUp);
  await server.holdsStill(context, () => openAndDrop(server, 10_000));
});

test('who sends a body by the drop is cut after 30 s, who reads nothing of a long answer after one or two minutes', async (context) => {
  const server = await HostileTarget.start(context);
  const before = server.descriptors;
  const [dripping, stalled] = [await server.connect(), await server.connect()];
  dripping.resume().write('POST /pods HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n');
  const drip = setInterval(() => dripping.write('x'), 1000);
  stalled.pause().write('GET /pods HTTP/1.1\r\nhost: x\r\n\r\n');
  const startedMs = performance.now();
  const cut = async (held: number): Promise<number> => {
    await waitFor(async () => server.descriptors <= before + held, { what: 'a cut', timeoutMs: 150_000 });
    return Math.round((performance.now() - startedMs) / 1000);
  };
  const seconds = [await cut(1), await cut(0)] as const;
  clearInterval(drip);
  for (const socket of [dripping, stalled]) socket.destroy();
  context.diagnostic(`cut after ${seconds[0]} s and ${seconds[1]} s`);
  assert.ok(seconds[0] >= 29 && seconds[0] <= 40 && seconds[1] >= 59 && seconds[1] <= 130, `${seconds}`);
});

for (const [kind, connections] of [
  ['tcp', 5050],
  ['tls', 600],
] as const) {
  test(`a stranger who keeps ${connections} silent connections open (${kind}) keeps nobody out`, async (context) => {
    const server = await HostileTarget.start(context);
    const fresh = await server.resources();
    const seen = await server.flooded(kind, { connections, seconds: 30 });
    const after = await server.resources();
    const { opened, calls, failed, slowestMs } = seen;
    context.diagnostic(`${opened} connections opened; ${calls} calls, ${failed} failed, the slowest ${slowestMs} ms`);
    context.diagnostic(`before: ${inWords(fresh)}; at most: ${inWords(seen)}; after: ${inWords(after)}`);
    assert.ok(calls > 10 && failed === 0);
    assert.ok(seen.descriptors < fresh.descriptors + 600);
    assert.ok(seen.residentBytes - fresh.residentBytes < floodBytes, 'its memory grew');
    assert.ok(after.residentBytes - fresh.residentBytes < floodBytes, 'its memory stayed large');
  });
}

/** What the server had at most while it was flooded, and what others had of it. */
interface Flooded extends Resources {
  /** Connections of the stranger. */
  readonly opened: number;
  /** By a certificate and by a token in turns, each on a connection of its own. */
  readonly calls: number;
  readonly failed: number;
  readonly slowestMs: number;
}

function inWords({ residentBytes, heapBytes, descriptors }: Resources): string {
  const heap = heapBytes === undefined ? '' : ` ${(heapBytes / mebibyte).toFixed(1)} MiB heap,`;
  return `${(residentBytes / mebibyte).toFixed(1)} MiB resident,${heap} ${descriptors} descriptors`;
}

class HostileTarget implements Target {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #admin: KeyPair;

  private constructor(child: ChildProcess, { port, admin }: { port: number; admin: KeyPair }) {
    this.#child = child;
    this.#port = port;
    this.#admin = admin;
  }

  static async start(context: TestContext): Promise<HostileTarget> {
    const child = fork(join(import.meta.dirname, 'hostile-server.ts'), { execArgv: ['--expose-gc'] });
    context.after(async () => {
      child.kill();
      await once(child, 'exit');
    });
    const [hello] = (await once(child, 'message')) as [{ port: number; admin: KeyPair }];
    return new HostileTarget(child, hello);
  }

  options: Target['options'] = ({ as: _, ...more } = {}) => ({
    ...{ host: '127.0.0.1', port: this.#port, rejectUnauthorized: false, agent: false },
    ...{ cert: this.#admin.certificate, key: this.#admin.key },
    ...more,
  });

  /** A connection after its handshake, for bytes that no HTTP client would send. */
  async connect(): Promise<TLSSocket> {
    const { certificate: cert, key } = this.#admin;
    const socket = connect({ host: '127.0.0.1', port: this.#port, rejectUnauthorized: false, cert, key });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return socket;
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  /** What becomes of other callers, and of the server, while a stranger floods it. */
  async flooded(kind: 'tcp' | 'tls', how: { connections: number; seconds: number }): Promise<Flooded> {
    const flood = fork(join(import.meta.dirname, 'hostile-flood.ts'), [kind, `${this.#port}`, `${how.connections}`]);
    const { descriptors: descriptorsBefore } = this;
    const opened = async (): Promise<number> => {
      flood.send('count');
      return ((await once(flood, 'message')) as [number])[0];
    };
    try {
      await waitFor(async () => (await opened()) > how.connections, { what: 'the flood', timeoutMs: 60_000 });
      const before = await opened();
      let [calls, failed, slowestMs, descriptors, residentBytes] = [0, 0, 0, 0, 0];
      const endMs = performance.now() + how.seconds * 1000;
      while (performance.now() < endMs) {
        const startedMs = performance.now();
        const status = await this.#health(calls++ % 2 === 0 ? 'certificate' : 'token').catch(messageOf);
        if (status !== 200) failed++;
        slowestMs = Math.max(slowestMs, Math.round(performance.now() - startedMs));
        descriptors = Math.max(descriptors, this.descriptors);
        residentBytes = Math.max(residentBytes, this.#residentBytes);
      }
      return { opened: (await opened()) - before, calls, failed, slowestMs, descriptors, residentBytes };
    } finally {
      flood.kill();
      await once(flood, 'exit');
      const dry = async (): Promise<boolean> => this.descriptors <= descriptorsBefore;
      await waitFor(dry, { what: 'the end of the flood', timeoutMs: 20_000 });
    }
  }

  /** Does something to it; afterwards it must be well and as large as before. */
  async holdsStill(context: TestContext, attack: () => Promise<void>): Promise<void> {
    const before = await this.resources();
    const startedMs = performance.now();
    await attack();
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const after = await this.resources();
    context.diagnostic(`${seconds} s; before: ${inWords(before)}; after: ${inWords(after)}`);
    assert.equal(this.#child.exitCode, null);
    assert.equal(await this.#health(), 200);
    assert.ok(after.residentBytes - before.residentBytes < allowedGrowthBytes, 'its memory grew');
    assert.ok(after.descriptors <= before.descriptors, 'it holds more descriptors');
  }

  /** When all sessions have ended. */
  async resources(): Promise<Resources> {
    const { heapBytes } = await waitFor(
      async () => {
        this.#child.send('collect');
        const [state] = (await once(this.#child, 'message')) as [{ running: number; heapBytes: number }];
        return state.running === 0 && state;
      },
      { what: 'all sessions to end', timeoutMs: 20_000 },
    );
    return { heapBytes, residentBytes: this.#residentBytes, descriptors: this.descriptors };
  }

  get #residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  #health(by: 'certificate' | 'token' = 'certificate'): Promise<number | undefined> {
    const bearer = { cert: undefined, key: undefined, headers: { authorization: 'Bearer good' } };
    // Not the address that the flood comes from.
    const from = { path: '/healthz', localAddress: '127.0.0.2' };
    return new Promise((resolve, reject) => {
      const call = request(this.options({ ...from, ...(by === 'token' ? bearer : {}) }), (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.once('error', reject);
      call.end();
    });
  }
}
