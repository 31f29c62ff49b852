import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureBinaries } from './binaries.ts';
import { endCluster, openCluster, startCluster } from './cluster.ts';
import { describeError } from './describe-error.ts';
import { wrapperScripts } from './wrapper-scripts.ts';

const usage = `Usage: node test/cluster/main.ts COMMAND [--name demo]

  up               brings a cluster up and keeps it up until Ctrl-C
  down             ends it, whoever started it, and clears up what a killed run left
  exec -- COMMAND  runs a command inside its network, with KUBECONFIG, kubectl and Podman's settings
  binaries         gets the control plane's binaries, and says where they are
  images           makes or pulls the images, and says which there are

Clusters of different names can be up at the same time.`;

const progress = (line: string) => console.error(line);

async function up(name: string, signal: AbortSignal): Promise<number> {
  await using cluster = await startCluster({ name, signal, progress });
  const { kubectl, enter } = wrapperScripts(cluster);
  console.log(
    [
      `The cluster '${name}' is up; Ctrl-C ends it. From another terminal:`,
      `  ${kubectl} get pods --all-namespaces`,
      `  ${enter}    (a shell inside its network, with kubectl and podman)`,
      `Logs of its servers: ${cluster.runDir}/logs`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  progress(`ending the cluster '${name}'`);
  return 0;
}

async function images(signal: AbortSignal): Promise<number> {
  // A cluster makes the images that it lacks, and keeps them in the cache.
  await using cluster = await startCluster({ name: 'images', signal, progress });
  console.log(await cluster.podman(['search', '--list-tags', `${cluster.registryAddress}/docker.io/library/nginx`]));
  return 0;
}

async function exec(name: string, command: readonly string[]): Promise<number> {
  const cluster = await openCluster(name);
  const [file = '', ...args] = cluster.inside(command.length === 0 ? [process.env['SHELL'] ?? '/bin/sh'] : command);
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...cluster.environment() } });
  // A terminal's Ctrl-C reaches the command by itself; what is sent to us alone does not.
  for (const event of ['SIGTERM', 'SIGHUP'] as const) process.on(event, () => child.kill(event));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 128));
  });
}

async function run(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { name: { type: 'string', default: 'demo' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const { name, help } = values;
  if (help) {
    console.log(usage);
    return 0;
  }
  const interrupted = new AbortController();
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(event, () => interrupted.abort(new Error(`ended by ${event}`)));
  }
  const [command, ...rest] = positionals;
  switch (command) {
    case 'up':
      return up(name, interrupted.signal);
    case 'down':
      await endCluster(name);
      return 0;
    case 'exec':
      return exec(name, rest);
    case 'binaries':
      console.log(await ensureBinaries({ progress, signal: interrupted.signal }));
      return 0;
    case 'images':
      return images(interrupted.signal);
    default:
      console.error(usage);
      return 2;
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}
