import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oldestKubectlVersion } from '../cluster/versions.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, getObject, kubectl, Stage } from './harness.ts';
import { KubectlProcess } from './kubectl-process.ts';
import { kubectlOf } from './kubectl-versions.ts';
import { startMetricsServer } from './metrics-server.ts';
import { approveServingCertificate } from './serving-certificate.ts';

/** A tenth of a processor used in full, where a twentieth was asked for. */
const busy = {
  name: 'c',
  image: 'busybox',
  command: ['sh', '-c', 'while true; do :; done'],
  resources: { requests: { cpu: '50m', memory: '8Mi' }, limits: { cpu: '100m' } },
};

test('a metrics-server knows what the node and its pods use, and a Deployment is scaled by it', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode({ flags: ['--rotate-server-certificates'] });
  await cluster.apply([
    stage.deployment('busy', 1, busy),
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'busy', namespace: stage.namespace },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'busy' },
        minReplicas: 1,
        maxReplicas: 2,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        ],
      },
    },
  ]);
  await approveServingCertificate(stage);
  await startMetricsServer(context, stage);

  for (const [version, { environment }] of [
    ['of the cluster', { environment: {} }],
    [oldestKubectlVersion, await kubectlOf(oldestKubectlVersion, context)],
  ] as const) {
    const top = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await new KubectlProcess(['top', ...args, '--no-headers'], {
        environment,
      }).end();
      if (code !== 0) throw new Error(stderr);
      return stdout.toString();
    };
    await context.test(`kubectl ${version} top tells of the node and the pod`, async () => {
      // Rates need two looks.
      const pod = await waitFor(() => top('pod', '--namespace', stage.namespace), {
        what: 'kubectl top pod',
        timeoutMs: 45_000,
        intervalMs: 500,
      });
      const [, milliCpu, mebibytes] = /^busy-\S+\s+(\d+)m\s+(\d+)Mi\s*$/m.exec(pod) ?? [];
      assert.ok(Number(milliCpu) >= 50 && Number(milliCpu) <= 150, pod);
      assert.ok(Number(mebibytes) < 50, pod);
      const node = await waitFor(
        async () => {
          const said = await top('node', stage.nodeName);
          return !said.includes('unknown') && said;
        },
        { what: 'kubectl top node', timeoutMs: 30_000, intervalMs: 500 },
      );
      assert.match(node, new RegExp(`^${stage.nodeName}\\s+[1-9]\\d*m\\s+\\d+%\\s+\\d+Mi\\s+\\d+%\\s*$`, 'm'));
    });
  }

  await context.test('an autoscaler makes two of one', async () => {
    interface Scaled {
      readonly status?: { readonly readyReplicas?: number };
    }
    await waitFor(
      async () => {
        const deployment = await getObject<Scaled>('deployment', 'busy', '--namespace', stage.namespace);
        return (deployment?.status?.readyReplicas ?? 0) >= 2;
      },
      { what: 'two replicas', timeoutMs: 60_000, intervalMs: 500 },
    ).catch(async (cause: unknown) => {
      throw new Error(await kubectl('describe', 'hpa', '--namespace', stage.namespace), { cause });
    });
  });
});
