import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, EnvVar, Pod, Service } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import type { PodEvent } from '../pod-events.ts';
import { type FakeCluster, fakeReferences } from '../testing/fake-references.ts';
import { containerEnvironment } from './container-environment.ts';

const signal = new AbortController().signal;

const pod: Pod = {
  metadata: { namespace: 'shop', name: 'web-1', uid: 'uid-1', labels: { app: 'web' }, annotations: { 'a/b': 'c' } },
  spec: {
    nodeName: 'virtual-kubelet',
    serviceAccountName: 'clerk',
    enableServiceLinks: false,
    containers: [
      { name: 'web', image: 'x', resources: { requests: { cpu: '250m' }, limits: { memory: '64Mi' } } },
      { name: 'log', image: 'x', resources: { limits: { cpu: '1100m' } } },
    ],
  },
};

const service = (namespace: string, name: string, clusterIP: string, ports: object[]): Service =>
  ({ metadata: { namespace, name }, spec: { clusterIP, ports } }) as Service;
const master = service('default', 'kubernetes', '10.96.0.1', [{ name: 'https', port: 443, protocol: 'TCP' }]);

interface Run {
  readonly container?: Partial<Container>;
  readonly cluster?: FakeCluster;
  readonly pod?: Pod;
}

async function environmentOf(run: Run): Promise<{ variables: Record<string, string>; events: string[] }> {
  const events: string[] = [];
  const variables = await containerEnvironment(
    {
      pod: run.pod ?? pod,
      container: { ...pod.spec?.containers[0], name: 'web', ...run.container },
      references: fakeReferences(run.cluster ?? {}),
      podIps: ['10.88.0.5', 'fd00::5'],
      hostIps: ['10.0.0.9'],
      nodeAllocatable: { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi' },
      recordEvent: ({ reason, message }: PodEvent) => events.push(`${reason}: ${message}`),
    },
    { signal },
  );
  return { variables, events };
}

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const resource = (name: string, ref: string, divisor?: string, containerName?: string): EnvVar => ({
  name,
  valueFrom: {
    resourceFieldRef: { resource: ref, ...(divisor && { divisor }), ...(containerName && { containerName }) },
  },
});
const secretKey = (name: string, key: string, optional?: boolean): EnvVar => ({
  name: 'S',
  valueFrom: { secretKeyRef: { name, key, ...(optional !== undefined && { optional }) } },
});
const configKey = (name: string, key: string, optional?: boolean): EnvVar => ({
  name: 'C',
  valueFrom: { configMapKeyRef: { name, key, ...(optional !== undefined && { optional }) } },
});

test('the pod is told of itself', async () => {
  const env = [
    field('NAME', 'metadata.name'),
    field('NAMESPACE', 'metadata.namespace'),
    field('UID', 'metadata.uid'),
    field('LABEL', "metadata.labels['app']"),
    field('NO_LABEL', "metadata.labels['none']"),
    field('ANNOTATION', "metadata.annotations['a/b']"),
    field('NODE', 'spec.nodeName'),
    field('ACCOUNT', 'spec.serviceAccountName'),
    field('HOST', 'status.hostIP'),
    field('IP', 'status.podIP'),
    field('IPS', 'status.podIPs'),
  ];
  assert.deepEqual((await environmentOf({ container: { env } })).variables, {
    NAME: 'web-1',
    NAMESPACE: 'shop',
    UID: 'uid-1',
    LABEL: 'web',
    NO_LABEL: '',
    ANNOTATION: 'c',
    NODE: 'virtual-kubelet',
    ACCOUNT: 'clerk',
    HOST: '10.0.0.9',
    IP: '10.88.0.5',
    IPS: '10.88.0.5,fd00::5',
  });
});

test('resources are rounded up in units of their divisor, the node’s where no limit is set', async () => {
  const env = [
    resource('REQUEST', 'requests.cpu'),
    resource('REQUEST_M', 'requests.cpu', '1m'),
    resource('MEMORY', 'limits.memory'),
    resource('MEMORY_MI', 'limits.memory', '1Mi'),
    resource('CPU', 'limits.cpu'),
    resource('CPU_OF_LOG', 'limits.cpu', '1', 'log'),
    resource('STORAGE', 'limits.ephemeral-storage', '1Gi'),
    resource('NO_REQUEST', 'requests.memory'),
  ];
  assert.deepEqual((await environmentOf({ container: { env } })).variables, {
    REQUEST: '1',
    REQUEST_M: '250',
    MEMORY: '67108864',
    MEMORY_MI: '64',
    CPU: '2',
    CPU_OF_LOG: '2',
    STORAGE: '10',
    NO_REQUEST: '0',
  });
});

test('env goes over envFrom, which goes over services; each sees what came before', async () => {
  const { variables } = await environmentOf({
    cluster: {
      configMaps: { conf: { A: 'conf', B: 'conf', 'odd.name-1': 'kept', ['__proto__']: 'p' } },
      secrets: { keys: { A: 'secret', KUBERNETES_PORT: 'mine' } },
      services: [master],
    },
    container: {
      envFrom: [
        { configMapRef: { name: 'conf' } },
        { secretRef: { name: 'keys' } },
        { prefix: 'P_', secretRef: { name: 'keys' } },
      ],
      env: [
        { name: 'B', value: '$(A)-$(KUBERNETES_SERVICE_HOST)-$(LATER)' },
        { name: 'LATER', value: '$(B)' },
        { name: 'NOTHING' },
      ],
    },
  });
  assert.equal(variables['A'], 'secret');
  assert.equal(variables['P_A'], 'secret');
  assert.equal(variables['odd.name-1'], 'kept');
  assert.equal(Object.hasOwn(variables, '__proto__'), true);
  assert.equal(variables['B'], 'secret-10.96.0.1-$(LATER)');
  assert.equal(variables['LATER'], 'secret-10.96.0.1-$(LATER)');
  assert.equal(variables['NOTHING'], '');
  assert.equal(variables['KUBERNETES_PORT'], 'mine');
});

test('services of the namespace are told where the pod wants them, the API server’s always', async () => {
  const services = [
    service('shop', 'my-db', 'fd00::10', [
      { port: 5432, protocol: 'TCP' },
      { name: 'log-in', port: 53, protocol: 'UDP' },
    ]),
    service('shop', 'headless', 'None', [{ port: 80 }]),
    service('other', 'elsewhere', '10.96.0.7', [{ port: 80 }]),
    master,
  ];
  const api = {
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
  };
  assert.deepEqual((await environmentOf({ cluster: { services } })).variables, api);

  const curious: Pod = { ...pod, spec: { containers: [], enableServiceLinks: true } };
  assert.deepEqual((await environmentOf({ cluster: { services }, pod: curious })).variables, {
    ...api,
    MY_DB_SERVICE_HOST: 'fd00::10',
    MY_DB_SERVICE_PORT: '5432',
    MY_DB_SERVICE_PORT_LOG_IN: '53',
    MY_DB_PORT: 'tcp://[fd00::10]:5432',
    MY_DB_PORT_5432_TCP: 'tcp://[fd00::10]:5432',
    MY_DB_PORT_5432_TCP_PROTO: 'tcp',
    MY_DB_PORT_5432_TCP_PORT: '5432',
    MY_DB_PORT_5432_TCP_ADDR: 'fd00::10',
    MY_DB_PORT_53_UDP: 'udp://[fd00::10]:53',
    MY_DB_PORT_53_UDP_PROTO: 'udp',
    MY_DB_PORT_53_UDP_PORT: '53',
    MY_DB_PORT_53_UDP_ADDR: 'fd00::10',
  });
});

const cluster: FakeCluster = { secrets: { keys: { A: 'a' } }, configMaps: { conf: { A: 'a' } } };

const optional: readonly (readonly [string, Partial<Container>, string])[] = [
  ['a secret', { env: [secretKey('none', 'A', true)] }, 'OptionalSecretNotFound: secret "none" not found'],
  [
    'a secret’s key',
    { env: [secretKey('keys', 'B', true)] },
    "OptionalSecretKeyNotFound: couldn't find key B in Secret shop/keys",
  ],
  ['a ConfigMap', { env: [configKey('none', 'A', true)] }, 'OptionalConfigMapNotFound: configmap "none" not found'],
  [
    'a ConfigMap’s key',
    { env: [configKey('conf', 'B', true)] },
    "OptionalConfigMapKeyNotFound: couldn't find key B in ConfigMap shop/conf",
  ],
  [
    'a whole secret',
    { envFrom: [{ secretRef: { name: 'none', optional: true } }] },
    'OptionalSecretNotFound: secret "none" not found',
  ],
  [
    'a whole ConfigMap',
    { envFrom: [{ configMapRef: { name: 'none', optional: true } }] },
    'OptionalConfigMapNotFound: configmap "none" not found',
  ],
];

test('what is missing and optional is left out and told', async (t) => {
  for (const [name, container, event] of optional) {
    await t.test(name, async () => {
      const { variables, events } = await environmentOf({ container, cluster });
      assert.deepEqual(variables, {});
      assert.deepEqual(events, [event]);
    });
  }
});

const failing: readonly (readonly [string, Partial<Container>, string, string])[] = [
  ['a secret', { env: [secretKey('none', 'A')] }, 'NotFound', 'secret "none" not found'],
  ['a secret’s key', { env: [secretKey('keys', 'B')] }, 'NotFound', "couldn't find key B in Secret shop/keys"],
  ['a ConfigMap', { env: [configKey('none', 'A', false)] }, 'NotFound', 'configmap "none" not found'],
  ['a ConfigMap’s key', { env: [configKey('conf', 'B')] }, 'NotFound', "couldn't find key B in ConfigMap shop/conf"],
  ['a whole ConfigMap', { envFrom: [{ configMapRef: { name: 'none' } }] }, 'NotFound', 'configmap "none" not found'],
  ['an unknown field', { env: [field('F', 'spec.teleport')] }, 'InvalidInput', 'unsupported fieldPath: spec.teleport'],
  [
    'an unknown resource',
    { env: [resource('R', 'limits.luck')] },
    'InvalidInput',
    'unsupported container resource : limits.luck',
  ],
  [
    'an unknown container',
    { env: [resource('R', 'limits.cpu', '1', 'none')] },
    'InvalidInput',
    'container none not found',
  ],
];

test('a container without what it must have cannot be made', async (t) => {
  for (const [name, container, code, message] of failing) {
    await t.test(name, async () => {
      await assert.rejects(environmentOf({ container, cluster }), (error) => {
        assert.ok(error instanceof CodedError);
        assert.deepEqual([error.code, error.reason, error.message], [code, 'CreateContainerConfigError', message]);
        return true;
      });
    });
  }
});

test('a pod on the host’s network has the host’s address', async () => {
  const own: Pod = { ...pod, spec: { ...pod.spec, containers: [], hostNetwork: true } };
  const input = { pod: own, references: fakeReferences({}), podIps: [], hostIps: ['10.0.0.9'] };
  const container = { name: 'web', image: 'x', env: [field('IP', 'status.podIP')] };
  assert.deepEqual(await containerEnvironment({ ...input, container }, { signal }), { IP: '10.0.0.9' });
});
