import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ensureBinary } from '../cluster/binaries.ts';
import { goSuiteSource } from '../cluster/go-suite-source.ts';
import { tryCommand } from '../cluster/run-command.ts';
import { openDoor } from './go-suite-door.ts';
import { cluster, isReady, kubectl, Stage } from './harness.ts';

/** Where the suite asks for stats, of the pod that is named after the node. */
const statsPort = 10_250;

/** All that the suite has, so that none is left out without our knowing. */
const tests = [
  'TestCreatePodWithMandatoryInexistentConfigMap',
  'TestCreatePodWithMandatoryInexistentSecrets',
  'TestCreatePodWithOptionalInexistentConfigMap',
  'TestCreatePodWithOptionalInexistentSecrets',
  'TestGetMetricsResource',
  'TestGetPods',
  'TestGetStatsSummary',
  'TestPodLifecycleForceDelete',
  'TestPodLifecycleGracefulDelete',
];

test('the Go virtual kubelet’s end-to-end suite passes in full on the provider memory', async (context) => {
  const progress = (line: string): void => void process.stdout.write(`  ${line}\n`);
  const binary = await ensureBinary(goSuiteSource, { progress, signal: context.signal });
  const stage = await Stage.set(context);
  await stage.startNode({ provider: 'memory' });
  await letStatsBeRead(context, stage);
  const { code, stdout, stderr } = await tryCommand(
    cluster.inside([
      binary,
      '-test.v',
      '-test.timeout=5m',
      `-kubeconfig=${cluster.adminKubeconfig}`,
      `-namespace=${stage.namespace}`,
      `-node-name=${stage.nodeName}`,
    ]),
    { signal: context.signal },
  );
  const report = `${stdout}\n${stderr}`;
  assert.equal(code, 0, report);
  const results = [...stdout.matchAll(/^ {4}--- (PASS|FAIL|SKIP): TestVirtualKubelet\/(\S+)/gm)];
  assert.deepEqual(
    results.map(([, result, name]) => [name, result]),
    tests.map((name) => [name, 'PASS']),
    report,
  );
  for (const [line] of results) context.diagnostic(line.trim());
});

/** Makes the pod that the suite asks for stats, and gives the door that stands at its address the right to them. */
async function letStatsBeRead(context: TestContext, stage: Stage): Promise<void> {
  const reader = `${stage.namespace}-stats`;
  context.after(() => cluster.kubectl(['delete', 'clusterrolebinding,clusterrole', reader]).then(() => undefined));
  await cluster.apply([
    stage.pod(stage.nodeName, { hostNetwork: true, containers: [{ name: 'door', image: 'none' }] }),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: reader },
      rules: [
        {
          apiGroups: [''],
          resources: ['nodes/stats', 'nodes/metrics'],
          resourceNames: [stage.nodeName],
          verbs: ['get'],
        },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: reader },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: reader },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: reader }],
    },
  ]);
  const path = '--output=jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}';
  const kubeletPort = Number(await kubectl('get', 'node', stage.nodeName, path));
  await openDoor(context, reader, { port: statsPort, kubeletPort });
  await stage.untilPod(stage.nodeName, 'ready', isReady);
}
