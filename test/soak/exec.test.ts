import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, isReady, Stage } from '../e2e/harness.ts';
import { KubectlProcess, noise, transports } from '../e2e/kubectl-process.ts';

const mebibyte = 2 ** 20;
const idleMs = 10 * 60_000;
const stallMs = 60_000;

/** Over WebSocket kubectl itself gives up when it has not read for 61 s since the last pong, which comes every 5 s. */
const patientClient = [process.execPath, fileURLToPath(new URL('exec-client.ts', import.meta.url))];

async function podOnStage(stage: Stage): Promise<void> {
  await cluster.apply([
    stage.pod('p', { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '100000'] }] }),
  ]);
  await stage.untilPod('p', 'ready', isReady);
}

/** Reads so many bytes, then nothing for a while, then to the end; gives the hash of all. */
async function readWithPause(
  stream: Readable,
  pause: { readonly atBytes: number; readonly ms: number },
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (bytes < pause.atBytes && bytes + chunk.length >= pause.atBytes) await delay(pause.ms);
    bytes += chunk.length;
  }
  return hash.digest('hex');
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

for (const { name, environment } of transports) {
  test(`exec -i cat of 1 GiB over ${name} whose reader stops for ${stallMs / 1000} s`, async (context) => {
    const stage = await Stage.set(context);
    const node = await stage.startNode();
    await podOnStage(stage);
    const cat = (): KubectlProcess =>
      name === 'websocket'
        ? new KubectlProcess([stage.namespace, 'p', 'cat'], { environment, command: patientClient })
        : new KubectlProcess(['exec', '-i', 'p', '--namespace', stage.namespace, '--', 'cat'], { environment });
    let highestBytes = 0;
    const watching = setInterval(() => {
      highestBytes = Math.max(highestBytes, residentBytes(node.pid));
    }, 100);
    let beforeBytes = 0;
    try {
      // What bytes that flow cost (code, pools, buffers that wait for the collector) is no growth.
      await cat().passThrough(1024 * mebibyte);
      beforeBytes = highestBytes;
      const sent = createHash('sha256');
      const process = cat();
      const [received] = await Promise.all([
        readWithPause(process.child.stdout, { atBytes: 300 * mebibyte, ms: stallMs }),
        pipeline(noise(1024 * mebibyte, sent), process.child.stdin).catch((cause: unknown) => {
          throw new Error(`kubectl took no more: ${process.stderr}`, { cause });
        }),
      ]);
      assert.equal(received, sent.digest('hex'));
    } finally {
      clearInterval(watching);
    }
    const grownMebibytes = Math.round((highestBytes - beforeBytes) / mebibyte);
    context.diagnostic(`our memory grew from ${Math.round(beforeBytes / mebibyte)} MiB by ${grownMebibytes} MiB`);
    assert.ok(grownMebibytes < 20, `it grew by ${grownMebibytes} MiB`);
  });
}

test('a session that is idle for 10 minutes still works', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await podOnStage(stage);
  await Promise.all(
    transports.map(async ({ environment }) => {
      const session = new KubectlProcess(['exec', '-i', 'p', '--namespace', stage.namespace, '--', 'cat'], {
        environment,
      }).listen();
      session.child.stdin.write('before\n');
      await waitFor(async () => session.stdout === 'before\n', { what: 'an echo', timeoutMs: 10_000 });
      await delay(idleMs);
      session.child.stdin.end('after\n');
      const { code, stdout } = await session.ended();
      assert.deepEqual([code, stdout.toString()], [0, 'before\nafter\n']);
    }),
  );
});
