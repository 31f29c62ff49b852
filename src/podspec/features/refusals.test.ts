import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodSpec, Volume } from '../../kubernetes/objects.ts';
import { type Capabilities, type FeatureId, featureIds, type Support } from './feature.ts';
import { podAsks, refusalMessage, refusals, refusedEphemeralContainers } from './refusals.ts';

/** A pod of one line, `image: nginx`, as API server 1.36.3 gives it back. */
const plain: PodSpec = {
  containers: [
    {
      name: 'nginx',
      image: 'nginx',
      imagePullPolicy: 'Always',
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      volumeMounts: [
        { name: 'kube-api-access-x7f2q', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
      ],
    },
  ],
  dnsPolicy: 'ClusterFirst',
  enableServiceLinks: true,
  nodeName: 'virtual-kubelet',
  preemptionPolicy: 'PreemptLowerPriority',
  priority: 0,
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {},
  serviceAccount: 'default',
  serviceAccountName: 'default',
  terminationGracePeriodSeconds: 30,
  tolerations: [
    { effect: 'NoExecute', key: 'node.kubernetes.io/not-ready', operator: 'Exists', tolerationSeconds: 300 },
    { effect: 'NoExecute', key: 'node.kubernetes.io/unreachable', operator: 'Exists', tolerationSeconds: 300 },
  ],
  volumes: [
    {
      name: 'kube-api-access-x7f2q',
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
      },
    },
  ],
};

const none: Support = { kind: 'refused', why: 'not here' };
const capabilities = (support: Support, exceptions: Partial<Record<FeatureId, Support>> = {}): Capabilities =>
  ({ ...Object.fromEntries(featureIds.map((id) => [id, support])), ...exceptions }) as Capabilities;

const withSpec = (spec: Partial<PodSpec>): Pod => ({ spec: { ...plain, ...spec } });
const withContainer = (container: Partial<Container>): Pod =>
  withSpec({ containers: [{ name: 'c', image: 'nginx:1', ...container }] });
const withVolume = (volume: Partial<Volume>): Pod => withSpec({ volumes: [{ name: 'v', ...volume }] });
const probe = { periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 };

test('a pod of one line is run everywhere', () => {
  assert.deepEqual(refusals({ spec: plain }, capabilities(none)), []);
});

const asking: readonly (readonly [Pod, string])[] = [
  [withContainer({ command: ['sh'], args: ['-c'] }), 'command command-args-env, args command-args-env'],
  [withContainer({ env: [{ name: 'a', value: 'b' }] }), 'env command-args-env'],
  [
    withContainer({ env: [{ name: 'a', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }] }),
    'env command-args-env, env[0].valueFrom.fieldRef.fieldPath pod-ip-env',
  ],
  [withContainer({ imagePullPolicy: 'IfNotPresent' }), ''],
  [withContainer({ imagePullPolicy: 'Never' }), 'imagePullPolicy image-pull-policy'],
  [withContainer({ ports: [{ containerPort: 80, hostPort: 8080 }] }), 'ports[0].hostPort host-ports'],
  [withContainer({ resources: { requests: { cpu: '1', 'ephemeral-storage': '1Gi' } } }), ''],
  [
    withContainer({ resources: { limits: { cpu: '1', 'nvidia.com/gpu': '1', 'ephemeral-storage': '1Gi' } } }),
    'resources.limits.cpu resource-limits, resources.limits["nvidia.com/gpu"] devices, ' +
      'resources.limits["ephemeral-storage"] ephemeral-storage-limits',
  ],
  [withContainer({ livenessProbe: { ...probe, exec: { command: ['true'] } } }), 'livenessProbe.exec exec-probes'],
  [
    withContainer({ readinessProbe: { ...probe, httpGet: { port: 80, path: '/', scheme: 'HTTP' } } }),
    'readinessProbe.httpGet network-probes',
  ],
  [withContainer({ startupProbe: { ...probe, grpc: { port: 1, service: '' } } }), 'startupProbe.grpc grpc-probes'],
  [withContainer({ lifecycle: { preStop: { sleep: { seconds: 1 } } } }), 'lifecycle.preStop lifecycle-hooks'],
  [withContainer({ securityContext: {} }), ''],
  [
    withContainer({
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: [] },
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    }),
    'securityContext.allowPrivilegeEscalation no-privilege-escalation, securityContext.capabilities.drop capabilities, ' +
      'securityContext.readOnlyRootFilesystem read-only-root, securityContext.runAsNonRoot run-as-user, ' +
      'securityContext.seccompProfile seccomp-default',
  ],
  [withContainer({ volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a' }] }), 'volumeMounts[0].subPath sub-path'],
  [withContainer({ restartPolicy: 'Never' }), 'restartPolicy container-restart-rules'],
  [
    withContainer({ restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] }),
    'restartPolicyRules[0] container-restart-rules',
  ],
  [
    withContainer({ restartPolicyRules: [{ action: 'RestartAllContainers' }] }),
    'restartPolicyRules[0] container-restart-rules, restartPolicyRules[0].action restart-all-containers',
  ],
];

test('a container asks for what its fields say', async (t) => {
  for (const [pod, expected] of asking) {
    await t.test(expected || JSON.stringify(pod.spec?.containers[0]), () => {
      const asks = podAsks(pod).map(({ field, feature }) => `${field} ${feature}`);
      assert.equal(asks.join(', ').replaceAll('spec.containers[0].', ''), expected);
    });
  }
});

const podCases: readonly (readonly [Pod, string])[] = [
  [withSpec({ hostNetwork: false, hostPID: false, shareProcessNamespace: false, hostUsers: true }), ''],
  [withSpec({ hostNetwork: true, hostUsers: false }), 'hostNetwork host-network, hostUsers host-users'],
  [withSpec({ restartPolicy: 'Never' }), 'restartPolicy restart-policy'],
  [
    withSpec({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'] } }),
    'dnsPolicy dns-policy, dnsConfig dns-policy',
  ],
  [withSpec({ imagePullSecrets: [{ name: 'a' }] }), 'imagePullSecrets[0] image-pull-secrets'],
  [withSpec({ os: { name: 'linux' } }), ''],
  [withSpec({ os: { name: 'windows' } }), 'os windows'],
  [withSpec({ securityContext: { fsGroupChangePolicy: 'Always' } }), ''],
  [
    withSpec({ securityContext: { fsGroup: 1, sysctls: [{ name: 'a', value: 'b' }] } }),
    'securityContext.fsGroup fs-group, securityContext.sysctls[0] sysctls',
  ],
  [
    withSpec({
      initContainers: [
        { name: 'a', image: 'x:1' },
        { name: 'b', image: 'x:1', restartPolicy: 'Always' },
      ],
    }),
    'initContainers[0] init-containers, initContainers[1] init-containers, ' +
      'initContainers[1].restartPolicy sidecar-containers',
  ],
  [withVolume({ emptyDir: {} }), 'volumes[0].emptyDir empty-dir'],
  [withVolume({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }), 'volumes[0].emptyDir empty-dir'],
  [
    withVolume({ emptyDir: { sizeLimit: '1Mi' } }),
    'volumes[0].emptyDir empty-dir, volumes[0].emptyDir.sizeLimit ephemeral-storage-limits',
  ],
  [withVolume({ hostPath: { path: '/', type: '' } }), 'volumes[0].hostPath host-path'],
  [withVolume({ nfs: { server: 'a', path: '/' } }), 'volumes[0].nfs network-volumes'],
  [
    withVolume({ name: 'kube-api-access-mine', projected: { sources: [{ secret: { name: 's' } }] } }),
    'volumes[0].projected.sources[0].secret secret-volumes',
  ],
];

test('a pod asks for what its fields say', async (t) => {
  for (const [pod, expected] of podCases) {
    await t.test(expected || JSON.stringify(pod.spec), () => {
      const asks = podAsks(pod).map(({ field, feature }) => `${field} ${feature}`);
      assert.equal(asks.join(', ').replaceAll('spec.', ''), expected);
    });
  }
});

test('the host network’s own host ports ask for nothing more', () => {
  const ports = [{ containerPort: 80, hostPort: 80 }];
  const pod = withSpec({ hostNetwork: true, containers: [{ name: 'c', image: 'x:1', ports }] });
  assert.deepEqual(podAsks(pod), [{ field: 'spec.hostNetwork', feature: 'host-network' }]);
});

test('fields that are not known are refused by name, at every depth', () => {
  const spec: unknown = {
    ...plain,
    teleport: true,
    containers: [
      { name: 'c', image: 'x:1', livenessProbe: { carrierPigeon: {}, exec: { command: [], shell: 'zsh' } } },
    ],
    volumes: [{ name: 'v', floppyDisk: { drive: 'A' } }],
  };
  const found = refusals({ spec: spec as PodSpec }, capabilities({ kind: 'honoured' }));
  assert.deepEqual(
    found.map(({ field, feature }) => [field, feature]),
    [
      ['spec.containers[0].livenessProbe.carrierPigeon', undefined],
      ['spec.containers[0].livenessProbe.exec.shell', undefined],
      ['spec.volumes[0].floppyDisk', undefined],
      ['spec.teleport', undefined],
    ],
  );
});

test('all that cannot be honoured is said at once, grouped by reason', () => {
  const pod = withSpec({ hostPID: true, hostIPC: true, hostNetwork: true, hostname: 'a' });
  const some = capabilities(
    { kind: 'honoured' },
    {
      'host-pid-ipc': { kind: 'refused', why: 'containers do not see the host' },
      'host-network': { kind: 'refused', why: 'pods have a network of their own' },
    },
  );
  assert.equal(
    refusalMessage(refusals(pod, some)),
    'this node cannot run the pod as it is written: spec.hostPID, spec.hostIPC: containers do not see the host; ' +
      'spec.hostNetwork: pods have a network of their own',
  );
});

test('ephemeral containers are judged apart from the pod', () => {
  const pod = withSpec({
    ephemeralContainers: [
      { name: 'plain', image: 'x:1' },
      { name: 'typed', image: 'x:1', stdin: true, targetContainerName: 'c' },
    ],
  });
  const support: Capabilities = { ...capabilities(none), 'ephemeral-containers': { kind: 'honoured' } };
  assert.deepEqual(refusals(pod, support), []);
  assert.deepEqual(
    [...refusedEphemeralContainers(pod, support)],
    [['typed', 'this node cannot run the container as it is written: spec.ephemeralContainers[1].stdin: not here']],
  );
  assert.deepEqual([...refusedEphemeralContainers(pod, capabilities(none)).keys()], ['plain', 'typed']);
});
