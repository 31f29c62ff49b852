import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../test/cluster/cluster.ts';
import type { ClusterClient } from '../test/cluster/cluster-client.ts';
import { hasCommand } from '../test/cluster/run-command.ts';
import { Background, project } from './background.ts';
import { fargateStory } from './fargate-story.ts';
import { podmanStory } from './podman-story.ts';
import type { Story } from './stage.ts';
import { Terminal } from './terminal.ts';

/** `make demo`: plays the story of $PROVIDER (aws unless said) and stays up, or ends after it where DEMO_EXIT is set. */
const stories: Readonly<Record<string, Story>> = { aws: fargateStory, podman: podmanStory };

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}

async function demo(signal: AbortSignal): Promise<void> {
  const provider = process.env['PROVIDER'] || 'aws';
  const story = Object.hasOwn(stories, provider) ? stories[provider] : undefined;
  if (story === undefined)
    throw new Error(`there is no story of PROVIDER=${provider}: choose ${Object.keys(stories).join(' or ')}`);
  const startedMs = performance.now();
  process.stdout.write('▸ a real Kubernetes control plane, in a network namespace of its own\n');
  await using cluster = await startCluster({
    name: 'demo',
    signal,
    progress: (line) => void process.stdout.write(`  ${line}\n`),
  });
  const awsFolder = await standInForAws(cluster.runDir);
  const PATH = [process.env['PATH'], awsFolder].filter(Boolean).join(':');
  const terminal = new Terminal(cluster, { signal, environment: { ...process.env, ...story.environment, PATH } });
  const background = new Background(cluster);
  try {
    await Promise.race([story.play({ cluster, terminal, background }), background.failed]);
    terminal.say(`the story took ${Math.round((performance.now() - startedMs) / 1000)} s`);
    if (process.env['DEMO_EXIT']) return;
    terminal.say('the cluster stays up. From another terminal, as root:');
    const commands = [
      `source ${writeEnvironment(cluster, story, awsFolder)}`,
      ...story.encore.map((line) => `inside ${line}`),
    ];
    process.stdout.write(`
${commands.map((line) => `    ${line}\n`).join('')}
  Logs: ${background.logFiles.join(', ')}
  Ctrl-C ends it all.
`);
    await Promise.race([endOf(signal), background.failed]);
  } catch (error) {
    if (!signal.aborted) await showState(terminal, background);
    throw error;
  } finally {
    process.stdout.write('\n▸ ending the cluster\n');
    await background.stop();
  }
}

/** What somebody needs to find out why the story went wrong, before all of it is removed. */
async function showState(terminal: Terminal, background: Background): Promise<void> {
  terminal.say('the story went wrong; this is what there is:');
  for (const line of ['kubectl get all -o wide', 'kubectl get events', 'podman ps --all']) {
    await terminal.show(`${line} || true`);
  }
  for (const file of background.logFiles) await terminal.show(`tail -n 40 ${file}`);
}

/** What another terminal needs to play on: a script of bash that finds the cluster, and AWS where the story has one. */
function writeEnvironment(cluster: ClusterClient, { environment }: Story, awsFolder: string | undefined): string {
  const file = join(cluster.runDir, 'environment.sh');
  const { PATH = '', ...variables } = cluster.environment();
  const lines = [
    '# Source it, then write "inside" before a command to run it in the network of the cluster.',
    ...Object.entries({ ...variables, ...environment }).map(([name, value]) => `export ${name}='${value}'`),
    `export PATH='${PATH.split(':')[0]}':"$PATH"${awsFolder === undefined ? '' : `:'${awsFolder}'`}`,
    `inside() { ${cluster.inside(['"$@"']).join(' ')}; }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** A folder for the end of PATH with a stand-in for the AWS CLI, where that is not installed. */
async function standInForAws(runDir: string): Promise<string | undefined> {
  if (await hasCommand('aws')) return undefined;
  const folder = join(runDir, 'bin');
  mkdirSync(folder, { recursive: true });
  const script = `#!/bin/sh\nexec '${process.execPath}' '${join(project, 'demo/aws.ts')}' "$@"\n`;
  writeFileSync(join(folder, 'aws'), script, { mode: 0o755 });
  return folder;
}

function endOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

try {
  await demo(interrupted.signal);
} catch (error) {
  if (!interrupted.signal.aborted) {
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
