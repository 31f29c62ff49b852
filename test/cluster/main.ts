import { parseArgs } from 'node:util';
import { ensureBinaries } from './binaries.ts';
import { startCluster } from './cluster.ts';

const usage = `Usage: node test/cluster/main.ts COMMAND [--name demo]

  up               brings a cluster up and keeps it up until Ctrl-C
  binaries         gets the control plane's binaries and says where they are
`;

const progress = (line: string) => console.error(line);

async function up(name: string, signal: AbortSignal): Promise<void> {
  await using cluster = await startCluster({ name, signal, progress });
  console.log(`${cluster.name} is up. Ctrl-C ends it.`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  progress(`ending the cluster '${name}'…`);
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { name: { type: 'string', default: 'demo' } },
  });
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => interrupted.abort(new Error(`Ended by ${name}.`)));
  }
  switch (positionals[0]) {
    case 'up':
      await up(values.name, interrupted.signal);
      return 0;
    case 'binaries':
      console.log(await ensureBinaries({ progress, signal: interrupted.signal }));
      return 0;
    default:
      console.error(usage);
      return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
