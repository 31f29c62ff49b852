import { startCluster } from '../test/cluster/cluster.ts';
import { nodeName, playStory } from './story.ts';
import { Terminal } from './terminal.ts';
import { startVirtualNode } from './virtual-node.ts';

/** `make demo`: plays the story and stays up, or ends after it where DEMO_EXIT is set. */
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}

async function demo(signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  process.stdout.write('▸ a real Kubernetes control plane, in a network namespace of its own\n');
  await using cluster = await startCluster({
    name: 'demo',
    signal,
    progress: (line) => void process.stdout.write(`  ${line}\n`),
  });
  const terminal = new Terminal(cluster, signal);
  terminal.say('a virtual node on Podman');
  process.stdout.write(`\n$ virtual-kubelet --provider=podman   # as system:node:${nodeName}\n`);
  const node = await startVirtualNode(cluster, nodeName);
  try {
    await Promise.race([playStory(cluster, terminal), node.failed]);
    terminal.say(`the story took ${Math.round((performance.now() - startedMs) / 1000)} s`);
    if (process.env['DEMO_EXIT']) return;
    terminal.say('the cluster stays up. From another terminal, as root:');
    process.stdout.write(`
    alias inside='${cluster.inside([]).join(' ')}'
    export KUBECONFIG=${cluster.adminKubeconfig} PATH=${cluster.environment()['PATH']?.split(':')[0]}:$PATH
    inside kubectl get nodes
    inside kubectl scale deployment nginx --replicas=3

  virtual-kubelet's log: ${node.logFile}
  Ctrl-C ends it all.
`);
    await Promise.race([endOf(signal), node.failed]);
  } finally {
    await node.stop();
    process.stdout.write('\n▸ ending the cluster\n');
  }
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
