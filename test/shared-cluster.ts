import { startCluster } from './cluster/cluster.ts';
import type { Progress } from './cluster/progress.ts';

/** The cluster that all end-to-end tests of a run share; each test has a namespace and a virtual node of its own. */
export interface SharedCluster {
  /** The words before a command that run it inside the cluster's network. */
  readonly commandPrefix: readonly string[];
  /** By which the tests find the cluster (`e2e/harness`). */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Whose node ports kube-proxy answers for. Nothing is scheduled there. */
const proxyNodeName = 'kube-proxy-host';

export async function startSharedCluster(options: {
  /** Of its own for each suite, so that two suites can run at the same time. */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}): Promise<SharedCluster> {
  const cluster = await startCluster(options);
  try {
    await cluster.apply([
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: proxyNodeName },
        spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
      },
    ]);
    const addresses = [{ type: 'InternalIP', address: cluster.nodeIp }];
    const patch = JSON.stringify({ status: { addresses } });
    await cluster.kubectl(['patch', 'node', proxyNodeName, '--subresource=status', '--type=merge', '--patch', patch]);
    await cluster.startKubeProxy(proxyNodeName);
    return {
      commandPrefix: cluster.inside([]),
      environment: { ...cluster.environment(), TEST_CLUSTER: options.name },
      stop: () => cluster.stop(),
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
