import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Lease, Node } from '../../src/kubernetes/objects.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, getObject, kubectl, Stage } from './harness.ts';

async function getNode(stage: Stage): Promise<Node> {
  const node = await getObject<Node>('node', stage.nodeName);
  assert.ok(node, `node ${stage.nodeName} is there`);
  return node;
}

test('a node with its own identity registers as the contract says, and keeps a lease', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const node = await getNode(stage);
  for (const [label, value] of Object.entries({
    type: 'virtual-kubelet',
    'kubernetes.io/role': 'agent',
    'kubernetes.io/hostname': stage.nodeName,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'alpha.service-controller.kubernetes.io/exclude-balancer': 'true',
    'node.kubernetes.io/exclude-from-external-load-balancers': 'true',
  })) {
    assert.equal(node.metadata?.labels?.[label], value, label);
  }
  assert.ok(node.metadata?.annotations?.['virtual-kubelet.io/last-applied-node-status']);
  assert.deepEqual(
    node.spec?.taints?.filter((taint) => taint.key === 'virtual-kubelet.io/provider'),
    [{ key: 'virtual-kubelet.io/provider', value: 'podman', effect: 'NoSchedule' }],
  );
  const { capacity = {}, allocatable = {}, conditions = [], addresses, daemonEndpoints, nodeInfo } = node.status ?? {};
  for (const resource of ['cpu', 'memory', 'pods', 'storage']) {
    assert.ok(capacity[resource] && allocatable[resource], `${resource} is offered`);
  }
  const states = Object.fromEntries(conditions.map((condition) => [condition.type, condition.status]));
  assert.deepEqual(
    { ...states },
    {
      ...states,
      Ready: 'True',
      MemoryPressure: 'False',
      DiskPressure: 'False',
      PIDPressure: 'False',
      NetworkUnavailable: 'False',
    },
  );
  assert.ok(addresses?.some((address) => address.type === 'InternalIP' && address.address === cluster.nodeIp));
  assert.ok((daemonEndpoints?.kubeletEndpoint?.Port ?? 0) > 0);
  assert.match(nodeInfo?.kubeletVersion ?? '', /^v1\.\d+\.\d+-vk-\d+\.\d+\.\d+/);
  const lease = await waitFor(() => getObject<Lease>('lease', stage.nodeName, '--namespace=kube-node-lease'), {
    what: 'the lease',
    timeoutMs: 15_000,
  });
  assert.equal(lease.spec?.leaseDurationSeconds, 40);
  const line = await kubectl('get', 'node', stage.nodeName);
  assert.match(line, /Ready\s+agent/);
});

test('without the init step the node registers all the same, and says which labels it could not set', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode({ init: false });
  const { labels = {} } = (await getNode(stage)).metadata ?? {};
  assert.equal(labels['type'], 'virtual-kubelet');
  assert.equal(labels['kubernetes.io/role'], undefined);
  assert.match(node.log(), /kubernetes\.io\/role.*init-node/s);
});

test('what others put on the node survives, and what we own comes back', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const name = stage.nodeName;
  await kubectl('label', 'node', name, 'someone=else', '--overwrite');
  await kubectl('annotate', 'node', name, 'someone.example/note=kept');
  await kubectl('taint', 'node', name, 'someone.example/taint=x:NoExecute');
  const condition = { type: 'SomeoneSays', status: 'True', reason: 'Test', message: 'kept' };
  await kubectl(
    ...['patch', 'node', name, '--subresource=status', '--type=strategic'],
    `--patch=${JSON.stringify({ status: { conditions: [condition] } })}`,
  );
  await kubectl('delete', 'lease', name, '--namespace=kube-node-lease');
  await waitFor(() => getObject('lease', name, '--namespace=kube-node-lease'), {
    what: 'the lease to be back',
    timeoutMs: 25_000,
  });
  const node = await getNode(stage);
  assert.equal(node.metadata?.labels?.['someone'], 'else');
  assert.equal(node.metadata?.annotations?.['someone.example/note'], 'kept');
  assert.ok(node.spec?.taints?.some((taint) => taint.key === 'someone.example/taint'));
  assert.ok(node.status?.conditions?.some((one) => one.type === 'SomeoneSays'));
});

test('a node deleted behind our back is registered again', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const before = (await getNode(stage)).metadata?.uid;
  await kubectl('delete', 'node', stage.nodeName);
  await waitFor(
    async () => {
      const node = await getObject<Node>('node', stage.nodeName);
      const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready');
      return node !== undefined && node.metadata?.uid !== before && ready?.status === 'True';
    },
    { what: 'another Node of the name to be Ready', timeoutMs: 30_000 },
  );
});

test('a provider that does not answer makes the node NotReady with the reason', async (context) => {
  const stage = await Stage.set(context);
  await stage.spawnNode({ environment: { CONTAINER_HOST: 'unix:///nowhere/podman.sock' } });
  // Before the first answer is missed, it says that there was none yet.
  await waitFor(
    async () => {
      const { status, message = '' } = (await stage.nodeCondition('Ready')) ?? {};
      return status === 'False' && message.includes('nowhere/podman.sock');
    },
    { what: 'the node to be NotReady, with the reason', timeoutMs: 30_000 },
  );
});

test('a second process with the same node name is told so', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const second = await Stage.set(context);
  Object.assign(second, { nodeName: stage.nodeName });
  const process = await second.spawnNode({ provider: 'memory', init: false });
  const end = await Promise.race([
    process.exited,
    waitFor(async () => /another process|already/i.test(process.log()) && 'said', {
      what: 'the second process to say it',
      timeoutMs: 30_000,
    }),
  ]);
  assert.ok(end === 'said' || end === 1, `it ended with ${end}`);
  assert.match(process.log(), /another process|already/i);
  await process.kill();
});

test('the service account of deploy/ can do all that a node needs', async (context) => {
  const stage = await Stage.set(context);
  await kubectl('apply', '--filename', 'deploy/service-account.yaml');
  const kubeconfig = await cluster.kubeconfigForServiceAccount('kube-system', 'virtual-kubelet');
  await stage.startNode({ kubeconfig, init: false });
  const { labels = {} } = (await getNode(stage)).metadata ?? {};
  assert.equal(labels['kubernetes.io/role'], 'agent');
  await cluster.apply([stage.pod('p', { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '1000'] }] })]);
  await stage.untilPod('p', 'Running', (pod) => pod.status?.phase === 'Running');
});

test('the init step of deploy/ can set the labels with its small role', async (context) => {
  const stage = await Stage.set(context);
  const roles = (
    await kubectl('create', '--dry-run=client', '--output=json', '--filename', 'deploy/init-node-role.yaml')
  )
    .replaceAll('"resourceNames":["virtual-kubelet"]', `"resourceNames":["${stage.nodeName}"]`)
    .replaceAll(/"resourceNames": \[\s*"virtual-kubelet"\s*\]/g, `"resourceNames": ["${stage.nodeName}"]`);
  assert.ok(roles.includes(stage.nodeName), 'the role names the node');
  const applied = await cluster.kubectl(['apply', '--filename', '-'], { input: roles });
  assert.equal(applied.code, 0, applied.stderr);
  after(() => kubectl('delete', '--filename', 'deploy/init-node-role.yaml', '--ignore-not-found'));
  const kubeconfig = await cluster.kubeconfigForServiceAccount('kube-system', 'virtual-kubelet-init');
  const init = await stage.spawnNode({ kubeconfig, init: false, flags: ['init-node'] });
  assert.equal(await init.exited, 0, init.log());
  assert.equal((await getNode(stage)).metadata?.labels?.['kubernetes.io/role'], 'agent');
});
