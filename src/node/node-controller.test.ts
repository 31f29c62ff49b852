import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { leases, nodes } from '../apiserver/client.ts';
import type { LoggedRequest } from '../apiserver/testing/fake-api-request.ts';
import { connectClient, startServer } from '../apiserver/testing/test-client.ts';
import type { Node, NodeCondition } from '../kubernetes/objects.ts';
import type { NodeOffer } from '../provider/provider.ts';
import { until } from '../provider/testing/until.ts';
import { CodedError, hasCode, messageOf } from '../support/errors.ts';
import { silentLogger } from '../support/logger.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { NodeController } from './node-controller.ts';
import { kubeletVersion, type NodeIdentity } from './node-status.ts';
import { isRestrictedLabel } from './restricted-labels.ts';

const taint = { key: 'virtual-kubelet.io/provider', value: 'memory', effect: 'NoSchedule' };
const identity: NodeIdentity = {
  nodeName: 'vk',
  nodeIp: '10.0.0.5',
  operatingSystem: 'linux',
  kubeletPort: 10_250,
  taint,
  kubeletVersion: kubeletVersion('0.1.0'),
};
const capacity = { cpu: '20', memory: '100Gi', pods: '20', storage: '100Gi' };

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const server = await startServer(t);
  const client = await connectClient(t, server);
  const said: string[] = [];
  const health: { error: Error | undefined; hangs: boolean } = { error: undefined, hangs: false };
  const offer: { now: NodeOffer } = {
    now: { capacity, architecture: 'amd64', containerRuntimeVersion: 'memory://1' },
  };
  let described = 0;
  const provider = {
    describeNode: async (): Promise<NodeOffer> => {
      described += 1;
      if (health.error) throw health.error;
      return offer.now;
    },
    ping: async (): Promise<void> => {
      if (health.hangs) await new Promise(() => {});
      if (health.error) throw health.error;
    },
  };
  const create = (changes: Partial<NodeIdentity> = {}): NodeController =>
    new NodeController({
      identity: { ...identity, ...changes },
      client,
      provider,
      clock,
      log: {
        ...silentLogger,
        warn: (message: string) => said.push(message),
        error: (message: string, fields) => said.push(`${message}: ${messageOf(fields?.['error'])}`),
      },
      recordEvent: ({ reason }) => said.push(reason),
      onProviderBack: () => said.push('back'),
      self: { id: 'self', host: 'here', pid: 1, since: '2026-01-01T00:00:00Z' },
      isAlive: () => false,
    });
  const start = (changes: Partial<NodeIdentity> = {}) => {
    const stopping = new AbortController();
    const controller = create(changes);
    const running = controller.run({ signal: stopping.signal });
    const stop = async (): Promise<void> => {
      stopping.abort();
      await running;
    };
    t.after(stop);
    return { controller, stop };
  };
  const node = (): Node | undefined => server.find(nodes, { name: 'vk' });
  const ready = (): NodeCondition | undefined => node()?.status?.conditions?.find(({ type }) => type === 'Ready');
  /** Lets up to `seconds` pass until it is so. */
  const within = (seconds: number, what: string, isSo: () => unknown): Promise<unknown> => {
    const endMs = clock.now() + seconds * 1000;
    return until(what, async () => {
      if (!isSo() && clock.now() < endMs) await clock.advance(500);
      return isSo();
    });
  };
  const writes = (): LoggedRequest[] =>
    server.requests.filter(({ method, path }) => method !== 'GET' && path.includes('/nodes'));
  return { clock, server, said, health, offer, create, start, node, ready, within, writes, described: () => described };
}

test('a node is registered at once and Ready only after it is said to be', async (t) => {
  const { start, node, ready, within } = await setUp(t);
  const { controller } = start();
  await within(1, 'an answered ping to be shown', () => ready()?.message?.includes('starting'));
  assert.equal(ready()?.status, 'False');
  assert.deepEqual(node()?.spec?.taints, [taint]);
  assert.deepEqual(node()?.status?.capacity, capacity);
  assert.deepEqual(node()?.status?.allocatable, capacity);
  controller.markReady();
  await within(0, 'Ready', () => ready()?.status === 'True');
  assert.equal(ready()?.reason, 'KubeletReady');
});

test('a status that does not change is written once a minute', async (t) => {
  const { clock, start, ready, within, writes } = await setUp(t);
  start().controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  const before = writes().length;
  const firstBeat = ready()?.lastHeartbeatTime;
  for (let second = 0; second < 300; second += 5) {
    await clock.advance(5000);
    await until('answers', () => writes().every(({ code }) => code !== undefined));
  }
  const beats = writes().length - before;
  assert.ok(beats >= 4 && beats <= 6, `${beats} writes in five minutes`);
  assert.notEqual(ready()?.lastHeartbeatTime, firstBeat);
});

test('a ping that fails makes the node NotReady with its message, one that succeeds again Ready with what is offered now', async (t) => {
  const { start, health, offer, node, ready, within, described, said } = await setUp(t);
  start().controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  assert.equal(described(), 1);
  health.error = new CodedError('Unavailable', 'podman.sock does not answer');
  await within(10, 'NotReady', () => ready()?.status === 'False');
  assert.equal(ready()?.message, 'podman.sock does not answer');
  assert.deepEqual(node()?.status?.capacity, capacity);
  health.error = undefined;
  offer.now = { ...offer.now, capacity: { ...capacity, cpu: '40' } };
  await within(10, 'Ready', () => ready()?.status === 'True');
  assert.deepEqual(
    said.filter((line) => line === 'back'),
    ['back'],
  );
  await within(10, 'the new capacity', () => node()?.status?.capacity?.['cpu'] === '40');
});

test('a ping without an answer fails after 10 s', async (t) => {
  const { start, health, ready, within } = await setUp(t);
  start().controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  health.hangs = true;
  await within(21, 'NotReady', () => ready()?.status === 'False');
  assert.match(ready()?.message ?? '', /no answer within 10000 ms/);
});

test('a provider that cannot be reached from the start makes a node that is NotReady and says why', async (t) => {
  const { start, health, node, ready, within } = await setUp(t);
  health.error = new CodedError('Unavailable', '/nowhere/podman.sock: no such file');
  start().controller.markReady();
  await within(10, 'the reason', () => ready()?.message?.includes('/nowhere/podman.sock'));
  assert.equal(node()?.status?.capacity, undefined);
  health.error = undefined;
  await within(20, 'Ready', () => ready()?.status === 'True');
  assert.deepEqual(node()?.status?.capacity, capacity);
});

test('a node deleted behind our back is registered again within 10 s, under the same lease', async (t) => {
  const { start, server, node, ready, within } = await setUp(t);
  start().controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  server.remove(nodes, { name: 'vk' });
  await within(10, 'the node', () => ready()?.status === 'True');
  const uid = node()?.metadata?.uid;
  await within(21, 'the lease to have the new owner', () => {
    const lease = server.find(leases, { namespace: 'kube-node-lease', name: 'vk' });
    return lease?.metadata?.ownerReferences?.[0]?.uid === uid;
  });
});

test('what others put on the node survives, and what we own comes back', async (t) => {
  const { clock, start, server, node, ready, within } = await setUp(t);
  start().controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  const theirs = { key: 'someone.example/x', effect: 'NoExecute' };
  server.patch(
    nodes,
    { name: 'vk' },
    {
      metadata: { labels: { someone: 'else', type: null }, annotations: { note: 'kept' } },
      spec: { taints: [theirs] },
      status: { conditions: [...(node()?.status?.conditions ?? []), { type: 'SomeoneSays', status: 'True' }] },
    },
  );
  await within(10, 'our label', () => node()?.metadata?.labels?.['type'] === 'virtual-kubelet');
  await clock.advance(60_000);
  assert.equal(node()?.metadata?.labels?.['someone'], 'else');
  assert.equal(node()?.metadata?.annotations?.['note'], 'kept');
  assert.deepEqual(node()?.spec?.taints, [theirs, taint]);
  assert.ok(node()?.status?.conditions?.some(({ type }) => type === 'SomeoneSays'));
});

test('after a restart what we set no longer is taken away', async (t) => {
  const { start, offer, node, ready, within } = await setUp(t);
  offer.now = { ...offer.now, labels: { zone: 'a' }, conditions: [{ type: 'OutOfDisk', status: 'False' }] };
  const first = start();
  first.controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  assert.equal(node()?.metadata?.labels?.['zone'], 'a');
  await first.stop();
  offer.now = { capacity, architecture: 'amd64', containerRuntimeVersion: 'memory://1' };
  start({ taint: undefined }).controller.markReady();
  await within(10, 'the label to go', () => node()?.metadata?.labels?.['zone'] === undefined);
  await within(10, 'the condition to go', () => !node()?.status?.conditions?.some(({ type }) => type === 'OutOfDisk'));
  assert.deepEqual(node()?.spec?.taints, []);
});

/** What NodeRestriction does, as far as the fake can. */
function restrict(server: Awaited<ReturnType<typeof startServer>>): void {
  server.fail({
    fault: { kind: 'status', code: 403 },
    times: Number.POSITIVE_INFINITY,
    matches: ({ method, path, body }) => {
      if (path.includes('/status') || !path.includes('/nodes') || (method !== 'POST' && method !== 'PATCH'))
        return false;
      const { metadata, spec } = body as { metadata?: { labels?: object }; spec?: { taints?: unknown } };
      const taintsChange = method === 'PATCH' && spec?.taints !== undefined;
      return taintsChange || Object.keys(metadata?.labels ?? {}).some(isRestrictedLabel);
    },
  });
}

test('labels that NodeRestriction refuses are left out and named once, with the init step', async (t) => {
  const { clock, start, server, node, said, ready, within, writes } = await setUp(t);
  restrict(server);
  start().controller.markReady();
  await within(10, 'Ready', () => ready()?.status === 'True');
  assert.equal(node()?.metadata?.labels?.['type'], 'virtual-kubelet');
  assert.equal(node()?.metadata?.labels?.['kubernetes.io/role'], undefined);
  assert.deepEqual(node()?.spec?.taints, [taint]);
  await clock.advance(120_000);
  const words = said.filter((line) => line.includes('init-node'));
  assert.equal(words.length, 1);
  assert.match(words[0] ?? '', /kubernetes\.io\/role, alpha\.service-controller\.kubernetes\.io\/exclude-balancer/);
  assert.ok(said.includes('NodeLabelsForbidden'));
  assert.equal(writes().filter(({ code }) => code === 403).length, 1);
});

test('a node that is there without labels and taint gets what NodeRestriction allows', async (t) => {
  const { start, server, node, said, ready, within } = await setUp(t);
  restrict(server);
  server.put(nodes, { metadata: { name: 'vk' } });
  start().controller.markReady();
  await within(10, 'Ready', () => ready()?.status === 'True');
  assert.equal(node()?.metadata?.labels?.['type'], 'virtual-kubelet');
  assert.match(said.find((line) => line.includes('init-node')) ?? '', /kubernetes\.io\/role.*and its taint/);
});

test('an API server that is away for a while finds a node that is kept again', async (t) => {
  const { start, server, ready, within, node } = await setUp(t);
  start().controller.markReady();
  await within(1, 'Ready', () => ready()?.status === 'True');
  server.fail({ fault: { kind: 'cut', when: 'before' }, times: 20 });
  server.remove(nodes, { name: 'vk' });
  await within(120, 'the node', () => node());
});

const signal = new AbortController().signal;
const isNodeWritten = ({ method, path }: LoggedRequest): boolean => method === 'POST' && path.includes('/nodes');

test('a node that the API server will never take is an end at start, with the lease let go', async (t) => {
  const { server, create } = await setUp(t);
  const controller = create();
  await controller.claim({ signal });
  server.fail({ fault: { kind: 'status', code: 422 }, matches: isNodeWritten });
  await assert.rejects(
    controller.register({ signal }),
    (error) => hasCode(error, 'InvalidInput') && /does not take node vk: Invalid/.test(messageOf(error)),
  );
  const lease = server.find(leases, { namespace: 'kube-node-lease', name: 'vk' });
  assert.equal(lease?.metadata?.annotations?.['virtual-kubelet.io/lease-holder'], '');
});

test('a failure of registration that may pass is no end, and each is told once until the node is there', async (t) => {
  const { server, clock, said, create, node } = await setUp(t);
  const controller = create();
  const fails = (code: number, times: number): void =>
    server.fail({ fault: { kind: 'status', code }, times, matches: isNodeWritten });
  fails(503, 1);
  await controller.register({ signal });
  const told = (): string[] => said.filter((line) => /up to date|refuses the node/.test(line));
  assert.equal(told().length, 1);
  fails(422, 5);
  fails(403, 5);
  const stopping = new AbortController();
  const running = controller.run({ signal: stopping.signal });
  t.after(async () => {
    stopping.abort();
    await running;
  });
  await until('the node', async () => {
    if (node() === undefined) await clock.advance(500);
    return node();
  });
  assert.equal(told().length, 3, told().join('\n'));
  assert.match(told()[1] ?? '', /refuses the node.*: Invalid/);
});
