import { spawn } from 'node:child_process';
import { assertLinuxRoot } from '../test/cluster/system-packages.ts';
import { startSharedCluster } from '../test/shared-cluster.ts';
import { peerBinaries } from './peers/peer-binaries.ts';

/** `make bench`: runs each benchmark in turn, on a control plane of its own, which goes with it. */
const benchmarks = ['bench/fargate-calls.ts', 'bench/streams.ts'];

try {
  assertLinuxRoot();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}

const ended = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ended.abort(new Error(name)));

const progress = (line: string): void => void process.stdout.write(`  ${line}\n`);
await peerBinaries({ progress, signal: ended.signal });
const cluster = await startSharedCluster({ name: 'bench', signal: ended.signal, progress });
try {
  for (const file of benchmarks) {
    process.stdout.write(`\n▸ ${file}\n`);
    const code = await runInside(file);
    if (code !== 0) process.exitCode = 1;
  }
} finally {
  await cluster.stop();
}

function runInside(file: string): Promise<number | null> {
  const [command = '', ...args] = [...cluster.commandPrefix, process.execPath, file];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: 'inherit',
      env: { ...process.env, ...cluster.environment },
      signal: ended.signal,
    });
    child.once('error', reject);
    child.once('exit', resolve);
  });
}
