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
import { seededRandom } from '../../src/support/random.ts';
import { waitFor } from '../cluster/wait-for.ts';

const mebibyte = 2 ** 20;
const seed = Number(process.env['SEED'] ?? 20_261_125);
/** What the first of anything costs (code, pools, room for garbage) is no growth. */
const warmUp = 0.5;
const allowedGrowthBytes = 20 * mebibyte;

interface Resources {
  readonly residentBytes: number;
  readonly heapBytes: number;
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

  /** Does something to it; afterwards it must be well and as large as before. */
  async holdsStill(context: TestContext, attack: () => Promise<void>): Promise<void> {
    const before = await this.#resources();
    const startedMs = performance.now();
    await attack();
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const after = await this.#resources();
    const inMebibytes = ({ residentBytes, heapBytes, descriptors }: Resources): string =>
      `${(residentBytes / mebibyte).toFixed(1)} MiB resident, ${(heapBytes / mebibyte).toFixed(1)} MiB heap, ${descriptors} descriptors`;
    context.diagnostic(`${seconds} s; before: ${inMebibytes(before)}; after: ${inMebibytes(after)}`);
    assert.equal(this.#child.exitCode, null);
    assert.equal(await this.#health(), 200);
    assert.ok(after.residentBytes - before.residentBytes < allowedGrowthBytes, 'its memory grew');
    assert.ok(after.descriptors <= before.descriptors, 'it holds more descriptors');
  }

  /** When all sessions have ended. */
  async #resources(): Promise<Resources> {
    const { heapBytes } = await waitFor(
      async () => {
        this.#child.send('collect');
        const [state] = (await once(this.#child, 'message')) as [{ running: number; heapBytes: number }];
        return state.running === 0 && state;
      },
      { what: 'all sessions to end', timeoutMs: 20_000 },
    );
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return {
      heapBytes,
      residentBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024,
      descriptors: this.descriptors,
    };
  }

  #health(): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const call = request(this.options({ path: '/healthz' }), (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.once('error', reject);
      call.end();
    });
  }
}
