import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Pod } from '../../kubernetes/objects.ts';
import type { PodEvent } from '../../podspec/pod-events.ts';
import type { PodReferences } from '../../podspec/references.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import { fakeReferences } from '../../podspec/testing/fake-references.ts';
import type { Provider, ProviderContext } from '../../provider/provider.ts';
import { describeProviderConformance } from '../../provider/testing/conformance.ts';
import { hasCode } from '../../support/errors.ts';
import { silentLogger } from '../../support/logger.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { createProvider } from './provider.ts';

const { signal } = new AbortController();

function contextWith(clock: FakeClock, parts: Partial<ProviderContext> = {}): ProviderContext {
  const unused = (): never => assert.fail('a pod that refers to nothing is looked up nothing for');
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
    ...parts,
  };
}

describeProviderConformance('memory', async () => ({
  createProvider: () => createProvider(contextWith(new FakeClock())),
  longRunning: (name) => ({ name, image: 'foo' }),
  survivesRestart: false,
  leftovers: async () => [],
  close: async () => {},
}));

async function setUp(
  parts: Partial<ProviderContext> = {},
): Promise<{ clock: FakeClock; provider: Provider; seen: ObservedPod[] }> {
  const clock = new FakeClock();
  const provider = await createProvider(contextWith(clock, parts));
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

test('ten thousand pods cost no timer each, little memory, and have ten thousand addresses', async () => {
  const provider = await createProvider(contextWith(new FakeClock()));
  const count = 10_000;
  const before = heapBytes();
  for (let index = 0; index < count; index++) {
    await provider.createPod({ ...pod, metadata: { ...pod.metadata, uid: `uid-${index}` } }, { signal });
  }
  const bytesPerPod = (heapBytes() - before) / count;
  const observed = await provider.listPods({ signal });
  assert.equal(new Set(observed.map(({ podIps }) => podIps[0])).size, count);
  // 960 as measured.
  assert.ok(bytesPerPod < 2048, `${bytesPerPod} bytes a pod`);
  const clock = new FakeClock();
  const timed = await createProvider(contextWith(clock));
  await timed.createPod(pod, { signal });
  assert.equal(clock.pending, 0);
});

/** What is in use after everything else has been let go of. */
function heapBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('a pod on the network of the host has its address', async () => {
  const { provider, seen } = await setUp();
  await provider.createPod({ ...pod, spec: { containers: [], hostNetwork: true } }, { signal });
  assert.deepEqual(seen[0]?.podIps, ['10.0.0.1']);
});

test('a pod that is updated without having been created is not found', async () => {
  const { provider } = await setUp();
  await assert.rejects(provider.updatePod(pod, { signal }), (error) => hasCode(error, 'NotFound'));
});

const ofSecret = (optional: boolean): Pod => ({
  ...pod,
  spec: {
    containers: [
      { name: 'a', image: 'foo', env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional } } }] },
    ],
  },
});
const ofConfigMap = (optional: boolean): Pod => ({
  ...pod,
  spec: {
    initContainers: [{ name: 'i', image: 'foo', envFrom: [{ configMapRef: { name: 'm', optional } }] }],
    containers: [],
  },
});

for (const [what, wanted, message, fieldPath] of [
  ['Secret', ofSecret, 'secret "s" not found', 'spec.containers{a}'],
  ['ConfigMap', ofConfigMap, 'configmap "m" not found', 'spec.initContainers{i}'],
] as const) {
  const recording = (references: PodReferences): { events: PodEvent[]; parts: Partial<ProviderContext> } => {
    const events: PodEvent[] = [];
    return { events, parts: { references, recordEvent: (event) => void events.push(event) } };
  };

  test(`a pod whose mandatory ${what} is missing is not run, in kubelet’s words and the Go virtual kubelet’s`, async () => {
    const { events, parts } = recording(fakeReferences({}));
    const { provider } = await setUp(parts);
    await assert.rejects(provider.createPod(wanted(false), { signal }), {
      message,
      reason: 'CreateContainerConfigError',
    });
    assert.deepEqual(await provider.listPods({ signal }), []);
    assert.deepEqual(
      events.map(({ reason, message: said, fieldPath: at }) => [reason, said, at]),
      [
        [`Mandatory${what}NotFound`, message, undefined],
        ['Failed', `Error: ${message}`, fieldPath],
      ],
    );
  });

  test(`a pod whose optional ${what} is missing runs, with one event`, async () => {
    const { events, parts } = recording(fakeReferences({}));
    const { provider, seen } = await setUp(parts);
    await provider.createPod(wanted(true), { signal });
    assert.equal(seen.length, 1);
    assert.deepEqual(
      events.map(({ reason }) => reason),
      [`Optional${what}NotFound`],
    );
  });

  test(`a pod whose ${what} is there runs, without an event`, async () => {
    const { events, parts } = recording(fakeReferences({ secrets: { s: { k: 'v' } }, configMaps: { m: { k: 'v' } } }));
    const { provider, seen } = await setUp(parts);
    await provider.createPod(wanted(false), { signal });
    assert.deepEqual([seen.length, events], [1, []]);
  });
}

test('a pod that ran already goes on in a new process though its secret has gone since', async () => {
  const { provider, seen } = await setUp();
  const running = { name: 'a', image: 'foo', imageID: 'x', ready: true, restartCount: 0, state: { running: {} } };
  await provider.createPod({ ...ofSecret(false), status: { containerStatuses: [running] } }, { signal });
  assert.equal(seen.length, 1);
});

test('a container uses what it requests, or a little, from its start on; what it has used never falls', async () => {
  const { clock, provider } = await setUp();
  const asking = (cpu: string): Pod => ({
    ...pod,
    spec: {
      initContainers: [{ name: 'done', image: 'foo' }],
      containers: [
        { name: 'asks', image: 'foo', resources: { requests: { cpu, memory: '64Mi' } } },
        { name: 'does-not', image: 'foo' },
      ],
    },
  });
  const usage = async (): Promise<unknown[]> => {
    const { pods, node } = (await provider.usage?.({ signal })) ?? { pods: [] };
    assert.equal(node, undefined);
    return pods.flatMap(({ containers }) =>
      containers.map(({ name, cpu, memory }) => [name, cpu?.rateNs, cpu?.totalNs, memory?.workingSetBytes] as const),
    );
  };
  await provider.createPod(asking('250m'), { signal });
  await clock.advance(2000);
  const expected = [
    ['asks', 250e6, 500e6, 64 * 2 ** 20],
    ['does-not', 1e6, 2e6, 2 ** 20],
  ];
  assert.deepEqual(await usage(), expected);
  await provider.updatePod(asking('50m'), { signal });
  assert.deepEqual(await usage(), expected, 'resizing has no effect');
  await provider.deletePod({ namespace: 'default', name: 'web', uid: 'uid-1' }, { gracePeriodSeconds: 0, signal });
  assert.deepEqual(await usage(), []);
});

test('logs are empty; who follows them hears when the container ends, and can leave before', async () => {
  const { provider } = await setUp();
  await provider.createPod(pod, { signal });
  const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };
  const read = async (follow: boolean, container = 'a', until = signal): Promise<Uint8Array[]> => {
    const request = { pod: ref, container, previous: false, follow, timestamps: false };
    return Array.fromAsync((await provider.logs?.(request, { signal: until })) ?? assert.fail('no logs'));
  };
  assert.deepEqual(await read(false), []);
  await assert.rejects(read(false, 'other'), (error) => hasCode(error, 'NotFound'));
  const leaving = new AbortController();
  const left = read(true, 'a', leaving.signal);
  const followed = read(true);
  leaving.abort();
  await assert.rejects(left, { name: 'AbortError' });
  await provider.deletePod(ref, { gracePeriodSeconds: 0, signal });
  assert.deepEqual(await followed, []);
  assert.deepEqual(await read(true), []);
});
