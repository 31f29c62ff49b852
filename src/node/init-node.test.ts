import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes } from '../apiserver/client.ts';
import { connectClient, startServer } from '../apiserver/testing/test-client.ts';
import { initNode } from './init-node.ts';

const identity = {
  nodeName: 'vk',
  operatingSystem: 'linux',
  taint: { key: 'virtual-kubelet.io/provider', value: 'memory', effect: 'NoSchedule' },
};
const { signal } = new AbortController();

test('the init step creates the node with all labels and the taint, and finds nothing to do the second time', async (t) => {
  const server = await startServer(t);
  const client = await connectClient(t, server);
  assert.equal(await initNode({ client, identity, signal }), 'created');
  const node = server.find(nodes, { name: 'vk' });
  assert.equal(node?.metadata?.labels?.['kubernetes.io/role'], 'agent');
  assert.equal(node?.metadata?.labels?.['alpha.service-controller.kubernetes.io/exclude-balancer'], 'true');
  assert.deepEqual(node?.spec?.taints, [identity.taint]);
  assert.equal(await initNode({ client, identity, signal }), 'unchanged');
});

test('the init step adds to a node that is there, and leaves what others put on it', async (t) => {
  const server = await startServer(t);
  const client = await connectClient(t, server);
  const theirs = { key: 'someone.example/x', effect: 'NoExecute' };
  server.put(nodes, { metadata: { name: 'vk', labels: { someone: 'else' } }, spec: { taints: [theirs] } });
  assert.equal(await initNode({ client, identity, signal }), 'patched');
  const node = server.find(nodes, { name: 'vk' });
  assert.equal(node?.metadata?.labels?.['someone'], 'else');
  assert.equal(node?.metadata?.labels?.['kubernetes.io/role'], 'agent');
  assert.deepEqual(node?.spec?.taints, [theirs, identity.taint]);
});

test('the init step looks again where somebody changes the taints meanwhile', async (t) => {
  const server = await startServer(t);
  const client = await connectClient(t, server);
  server.put(nodes, { metadata: { name: 'vk' } });
  server.fail({ fault: { kind: 'status', code: 409 }, matches: ({ method }) => method === 'PATCH' });
  assert.equal(await initNode({ client, identity, signal }), 'patched');
});
