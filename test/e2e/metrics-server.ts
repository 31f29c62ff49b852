import { join } from 'node:path';
import { ensureBinary } from '../cluster/binaries.ts';
import { isListening } from '../cluster/listening.ts';
import { networkNamespace } from '../cluster/network-namespace.ts';
import { ServerProcess } from '../cluster/server-process.ts';
import { metricsServerSource } from '../cluster/tool-sources.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, type Ending, kubectl, type Stage } from './harness.ts';

const account = { name: 'metrics-server', namespace: 'kube-system' };
const port = 4443;
const apiService = 'v1beta1.metrics.k8s.io';

/**
 * Runs a real metrics-server, that looks at the stage's node alone, until the test ends. It reaches the node as a
 * stranger does: by a ServiceAccount's token, and to a certificate that the cluster's authority has signed.
 * Resolves when the API server has taken it up. There can be one in a cluster.
 */
export async function startMetricsServer(
  context: Ending & { readonly signal: AbortSignal },
  stage: Stage,
): Promise<void> {
  const progress = (line: string): void => void process.stdout.write(`  ${line}\n`);
  const binary = await ensureBinary(metricsServerSource, { progress, signal: context.signal });
  await cluster.apply(rightsOfMetricsServer);
  const kubeconfig = await cluster.kubeconfigForServiceAccount(account.namespace, account.name);
  const server = ServerProcess.start({
    name: 'metrics-server',
    command: [
      binary,
      `--secure-port=${port}`,
      `--cert-dir=${join(stage.rootDir, 'metrics-server')}`,
      ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
        (flag) => `--${flag}=${kubeconfig}`,
      ),
      '--kubelet-use-node-status-port',
      '--kubelet-preferred-address-types=InternalIP',
      `--kubelet-certificate-authority=${cluster.certificateAuthorityFile}`,
      `--node-selector=kubernetes.io/hostname=${stage.nodeName}`,
      // The shortest that it takes.
      '--metric-resolution=10s',
      '--kubelet-request-timeout=5s',
    ],
    namespace: networkNamespace(cluster.name),
    logFile: join(stage.rootDir, 'metrics-server.log'),
    onUnexpectedEnd: progress,
  });
  context.after(async () => {
    // First, and before the server ends: an API that does not answer holds back the end of every namespace.
    await cluster.kubectl(['delete', 'apiservice', apiService, '--ignore-not-found']);
    await server.stop(1000);
  });
  const check = (): void => server.assertRunning();
  await waitFor(async () => isListening(server.pid, port), {
    what: 'metrics-server to listen',
    timeoutMs: 30_000,
    check,
  });
  await cluster.apply(placeOfMetricsServer);
  await waitFor(
    async () =>
      (await kubectl('get', 'apiservice', apiService, '--output=jsonpath={.status.conditions}')).includes('"Passed"'),
    { what: 'the API server to reach metrics-server', timeoutMs: 30_000, check },
  );
}

function binding(
  kind: 'ClusterRoleBinding' | 'RoleBinding',
  role: { readonly kind: string; readonly name: string },
): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: {
      name: `metrics-server:${role.name}`,
      ...(kind === 'RoleBinding' ? { namespace: account.namespace } : {}),
    },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...role },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  };
}

/** What its own manifests give it. */
const rightsOfMetricsServer: readonly object[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:metrics-server' },
    rules: [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ],
  },
  binding('ClusterRoleBinding', { kind: 'ClusterRole', name: 'system:metrics-server' }),
  binding('ClusterRoleBinding', { kind: 'ClusterRole', name: 'system:auth-delegator' }),
  binding('RoleBinding', { kind: 'Role', name: 'extension-apiserver-authentication-reader' }),
];

/** A Service that leads to a process on the node, not to a pod; and the API that it serves. */
const placeOfMetricsServer: readonly object[] = [
  { apiVersion: 'v1', kind: 'Service', metadata: account, spec: { ports: [{ name: 'https', port: 443 }] } },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...account,
      labels: {
        'kubernetes.io/service-name': account.name,
        'endpointslice.kubernetes.io/managed-by': 'test',
      },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [cluster.nodeIp], conditions: { ready: true } }],
    ports: [{ name: 'https', port }],
  },
  {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: apiService },
    spec: {
      group: 'metrics.k8s.io',
      version: 'v1beta1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      service: account,
      // It signs its own certificate.
      insecureSkipTLSVerify: true,
    },
  },
];
