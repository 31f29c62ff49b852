import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../kubernetes/objects.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { Provider, ProviderContext } from '../../provider/provider.ts';
import { describeProviderConformance } from '../../provider/testing/conformance.ts';
import { hasCode } from '../../support/errors.ts';
import { silentLogger } from '../../support/logger.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { createProvider } from './provider.ts';

const { signal } = new AbortController();

function contextWith(clock: FakeClock): ProviderContext {
  const unused = (): never => assert.fail('memory looks nothing up');
  return {
    nodeName: 'n',
    clusterId: 'c',
    configFile: undefined,
    nodeIp: '10.0.0.1',
    operatingSystem: 'linux',
    clusterDomain: 'cluster.local',
    clusterDnsIp: undefined,
    rootDir: '/nowhere',
    references: { secret: unused, configMap: unused, services: unused, serviceAccountToken: unused },
    recordEvent: unused,
    environment: {},
    clock,
    log: silentLogger,
  };
}

describeProviderConformance('memory', async () => ({
  createProvider: () => createProvider(contextWith(new FakeClock())),
  longRunning: (name) => ({ name, image: 'foo' }),
  survivesRestart: false,
  leftovers: async () => [],
  close: async () => {},
}));

async function setUp(clock = new FakeClock()): Promise<{ clock: FakeClock; provider: Provider; seen: ObservedPod[] }> {
  const provider = await createProvider(contextWith(clock));
  const seen: ObservedPod[] = [];
  void provider.run({ signal, observe: (pod) => seen.push(pod) });
  return { clock, provider, seen };
}

const pod: Pod = {
  metadata: { namespace: 'default', name: 'web', uid: 'uid-1' },
  spec: { containers: [{ name: 'a', image: 'foo' }] },
};

test('images that no registry has run at once: the state is pushed before createPod resolves', async () => {
  const { provider, seen } = await setUp();
  await provider.createPod(pod, { signal });
  assert.deepEqual(
    seen.map(({ containers }) => containers.map(({ state }) => state.kind)),
    [['running']],
  );
});

test('a pod that the API server shows as running keeps its start, restarts and address in a new process', async () => {
  const { provider, seen } = await setUp();
  const startedAt = '2025-12-31T23:00:00Z';
  await provider.createPod(
    {
      ...pod,
      status: {
        podIP: '198.18.7.7',
        containerStatuses: [
          { name: 'a', image: 'foo', imageID: 'x', ready: true, restartCount: 2, state: { running: { startedAt } } },
        ],
      },
    },
    { signal },
  );
  assert.deepEqual(seen[0]?.podIps, ['198.18.7.7']);
  assert.deepEqual(seen[0]?.containers[0]?.state, { kind: 'running', startedAtMs: Date.parse(startedAt) });
  assert.equal(seen[0]?.containers[0]?.restartCount, 2);
});

test('a pod past its activeDeadlineSeconds fails with DeadlineExceeded', async () => {
  const { clock, provider, seen } = await setUp();
  await provider.createPod({ ...pod, spec: { containers: [], activeDeadlineSeconds: 60 } }, { signal });
  await clock.advance(59_000);
  assert.equal(seen.at(-1)?.ended, false);
  await clock.advance(1000);
  assert.equal(seen.at(-1)?.ended, true);
  assert.equal(seen.at(-1)?.failure?.reason, 'DeadlineExceeded');
});

test('an update to another image restarts that container alone', async () => {
  const { clock, provider, seen } = await setUp();
  const containers = [
    { name: 'a', image: 'foo' },
    { name: 'b', image: 'foo' },
  ];
  await provider.createPod({ ...pod, spec: { containers } }, { signal });
  await clock.advance(5000);
  const changed = { containers: [{ name: 'a', image: 'bar' }, ...containers.slice(1)] };
  await provider.updatePod({ ...pod, spec: changed }, { signal });
  assert.deepEqual(
    seen.at(-1)?.containers.map(({ image, restartCount }) => [image, restartCount]),
    [
      ['bar', 1],
      ['foo', 0],
    ],
  );
});

test('ten thousand pods cost no timer each and have ten thousand addresses', async () => {
  const { clock, provider, seen } = await setUp();
  for (let index = 0; index < 10_000; index++) {
    await provider.createPod({ ...pod, metadata: { ...pod.metadata, uid: `uid-${index}` } }, { signal });
  }
  assert.equal(new Set(seen.map(({ podIps }) => podIps[0])).size, 10_000);
  assert.equal(clock.pending, 0);
});

test('a pod on the network of the host has its address', async () => {
  const { provider, seen } = await setUp();
  await provider.createPod({ ...pod, spec: { containers: [], hostNetwork: true } }, { signal });
  assert.deepEqual(seen[0]?.podIps, ['10.0.0.1']);
});

test('a pod that is updated without having been created is not found', async () => {
  const { provider } = await setUp();
  await assert.rejects(provider.updatePod(pod, { signal }), (error) => hasCode(error, 'NotFound'));
});
