import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../test/cluster/cluster.ts';
import { hasCommand } from '../test/cluster/run-command.ts';
import { type Background, project } from './background.ts';
import { awsEnvironment, playFargateStory, setFargateStage } from './fargate-story.ts';
import { playPodmanStory, setPodmanStage } from './podman-story.ts';
import { Terminal } from './terminal.ts';

/**
 * `make demo`: plays the story of $PROVIDER (podman unless said) and stays up, or ends after it where DEMO_EXIT is set.
 */
const stories = {
  podman: { set: setPodmanStage, play: playPodmanStory, environment: {} },
  aws: { set: setFargateStage, play: playFargateStory, environment: awsEnvironment },
};

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}

async function demo(signal: AbortSignal): Promise<void> {
  const provider = process.env['PROVIDER'] || 'podman';
  const story = Object.entries(stories).find(([name]) => name === provider)?.[1];
  if (story === undefined) throw new Error(`there is no story of PROVIDER=${provider}: choose podman or aws`);
  const startedMs = performance.now();
  process.stdout.write('▸ a real Kubernetes control plane, in a network namespace of its own\n');
  await using cluster = await startCluster({
    name: 'demo',
    signal,
    progress: (line) => void process.stdout.write(`  ${line}\n`),
  });
  const environment = { ...process.env, ...story.environment, PATH: await pathWithAws(cluster.runDir) };
  const terminal = new Terminal(cluster, { signal, environment });
  let background: Background[] = [];
  try {
    background = await story.set(cluster, terminal);
    const failed = Promise.race(background.map((one) => one.failed));
    await Promise.race([story.play(cluster, terminal), failed]);
    terminal.say(`the story took ${Math.round((performance.now() - startedMs) / 1000)} s`);
    if (process.env['DEMO_EXIT']) return;
    terminal.say('the cluster stays up. From another terminal, as root:');
    process.stdout.write(`
    alias inside='${cluster.inside([]).join(' ')}'
    export KUBECONFIG=${cluster.adminKubeconfig} PATH=${cluster.environment()['PATH']?.split(':')[0]}:$PATH
${Object.entries(story.environment)
  .map(([name, value]) => `    export ${name}=${value}\n`)
  .join('')}    inside kubectl get nodes
    inside kubectl scale deployment nginx --replicas=3

  Logs: ${background.map((one) => one.logFile).join(', ')}
  Ctrl-C ends it all.
`);
    await Promise.race([endOf(signal), failed]);
  } finally {
    for (const one of background.toReversed()) await one.stop();
    process.stdout.write('\n▸ ending the cluster\n');
  }
}

/** The PATH with a stand-in for the AWS CLI where that is not installed. */
async function pathWithAws(runDir: string): Promise<string> {
  const path = process.env['PATH'] ?? '';
  if (await hasCommand('aws')) return path;
  const folder = join(runDir, 'bin');
  mkdirSync(folder, { recursive: true });
  const script = `#!/bin/sh\nexec '${process.execPath}' '${join(project, 'demo/aws.ts')}' "$@"\n`;
  writeFileSync(join(folder, 'aws'), script, { mode: 0o755 });
  return `${path}:${folder}`;
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
