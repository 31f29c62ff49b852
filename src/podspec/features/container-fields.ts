import type { Container, EnvVar, EphemeralContainer } from '../../kubernetes/objects.ts';
import { defaultPullPolicy } from '../images/image-reference.ts';
import { apiDefaults, isApiAccessMount } from './defaults.ts';
import { asks, asksBy, choice, entries, fields, free, items, type Rule, unless, unlessEmpty } from './rule.ts';
import { containerSecurityContext } from './security-fields.ts';

type Probe = NonNullable<Container['livenessProbe']>;
type Lifecycle = NonNullable<Container['lifecycle']>;
type Hook = NonNullable<Lifecycle['postStart']>;
type Resources = NonNullable<Container['resources']>;
type Mount = NonNullable<Container['volumeMounts']>[number];
type Port = NonNullable<Container['ports']>[number];
type ValueFrom = NonNullable<EnvVar['valueFrom']>;

const httpGet = fields<NonNullable<Probe['httpGet']>>({
  host: free,
  port: free,
  path: free,
  scheme: free,
  httpHeaders: items(
    fields<NonNullable<NonNullable<Probe['httpGet']>['httpHeaders']>[number]>({ name: free, value: free }),
  ),
});
const tcpSocket = fields<NonNullable<Probe['tcpSocket']>>({ host: free, port: free });
const exec = fields<NonNullable<Probe['exec']>>({ command: free });

const probe = fields<Probe>({
  exec: asks('exec-probes', exec),
  httpGet: asks('network-probes', httpGet),
  tcpSocket: asks('network-probes', tcpSocket),
  grpc: asks('grpc-probes', fields<NonNullable<Probe['grpc']>>({ port: free, service: free })),
  // Numbers of the probe, which says itself what it asks for.
  initialDelaySeconds: free,
  periodSeconds: free,
  timeoutSeconds: free,
  successThreshold: free,
  failureThreshold: free,
  terminationGracePeriodSeconds: asks('termination-grace'),
});

const hook = asks(
  'lifecycle-hooks',
  fields<Hook>({ exec, httpGet, tcpSocket, sleep: fields<NonNullable<Hook['sleep']>>({ seconds: free }) }),
);

const valueFrom = fields<ValueFrom>({
  configMapKeyRef: fields<NonNullable<ValueFrom['configMapKeyRef']>>({ name: free, key: free, optional: free }),
  secretKeyRef: fields<NonNullable<ValueFrom['secretKeyRef']>>({ name: free, key: free, optional: free }),
  resourceFieldRef: fields<NonNullable<ValueFrom['resourceFieldRef']>>({
    containerName: free,
    resource: free,
    divisor: free,
  }),
  fieldRef: fields<NonNullable<ValueFrom['fieldRef']>>({
    apiVersion: free,
    // Not every backend knows the address before the container starts.
    fieldPath: asksBy((path: string) => (path.startsWith('status.podIP') ? 'pod-ip-env' : undefined)),
  }),
  fileKeyRef: asks('env-files'),
});

const env = unlessEmpty('command-args-env', items(fields<EnvVar>({ name: free, value: free, valueFrom })));

const envFrom = unlessEmpty(
  'command-args-env',
  items(
    fields<NonNullable<Container['envFrom']>[number]>({
      prefix: free,
      configMapRef: fields({ name: free, optional: free }),
      secretRef: fields({ name: free, optional: free }),
    }),
  ),
);

const ports = items(
  fields<Port>({
    name: free,
    protocol: free,
    // Without a host port, a declaration for people.
    containerPort: free,
    hostIP: asksBy((_: string, { parent }: { parent: Port }) => (parent.hostPort ? 'host-ports' : undefined)),
    // On the host's network the API server copies the container's port here.
    hostPort: asksBy((port: number, { pod, parent }: { pod: { spec?: { hostNetwork?: boolean } }; parent: Port }) =>
      port === 0 || (pod.spec?.hostNetwork && port === parent.containerPort) ? undefined : 'host-ports',
    ),
  }),
);

const isDevice = (resource: string): boolean => resource.includes('/') || resource.startsWith('hugepages-');

export const resources: Rule = fields<Resources>({
  // Of ordinary resources a request is the scheduler's business.
  requests: entries((name) => (isDevice(name) ? asks('devices') : free)),
  limits: entries((name) => {
    if (isDevice(name)) return asks('devices');
    return asks(name === 'ephemeral-storage' ? 'ephemeral-storage-limits' : 'resource-limits');
  }),
  claims: items(asks('resource-claims')),
});

const volumeMount = fields<Mount>({
  name: free,
  mountPath: free,
  readOnly: free,
  recursiveReadOnly: unless('Disabled', 'mount-propagation'),
  mountPropagation: unless('None', 'mount-propagation'),
  subPath: asks('sub-path'),
  subPathExpr: asks('sub-path'),
});

/** What containers of all kinds have, with the rule for the one field that means something else in each. */
function containerFields(restartPolicy: Rule): { readonly [Key in keyof Required<Container>]: Rule } {
  return {
    name: free,
    image: free,
    imagePullPolicy: asksBy((policy: string, { parent }: { parent: Container }) =>
      policy === defaultPullPolicy(parent.image ?? '') ? undefined : 'image-pull-policy',
    ),
    command: unlessEmpty('command-args-env'),
    args: unlessEmpty('command-args-env'),
    workingDir: asks('command-args-env'),
    env,
    envFrom,
    ports,
    resources,
    resizePolicy: items(
      fields<NonNullable<Container['resizePolicy']>[number]>({
        resourceName: free,
        restartPolicy: unless('NotRequired', 'in-place-resize'),
      }),
    ),
    restartPolicy,
    restartPolicyRules: items(
      asks(
        'container-restart-rules',
        fields<NonNullable<Container['restartPolicyRules']>[number]>({
          action: asksBy((action: string) => (action === 'Restart' ? undefined : 'restart-all-containers')),
          exitCodes: free,
        }),
      ),
    ),
    volumeMounts: items(choice((mount: Mount) => (isApiAccessMount(mount) ? free : volumeMount))),
    volumeDevices: items(asks('persistent-volumes')),
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    lifecycle: fields<Lifecycle>({ postStart: hook, preStop: hook, stopSignal: asks('stop-signal') }),
    terminationMessagePath: unless(apiDefaults.terminationMessagePath, 'termination-message'),
    terminationMessagePolicy: unless(apiDefaults.terminationMessagePolicy, 'termination-message'),
    securityContext: containerSecurityContext,
    stdin: unless(false, 'tty-stdin'),
    stdinOnce: unless(false, 'tty-stdin'),
    tty: unless(false, 'tty-stdin'),
  };
}

export const container: Rule = fields<Container>(containerFields(asks('container-restart-rules')));

export const initContainer: Rule = asks(
  'init-containers',
  fields<Container>(
    containerFields(
      asksBy((policy: string) => (policy === 'Always' ? 'sidecar-containers' : 'container-restart-rules')),
    ),
  ),
);

export const ephemeralContainer: Rule = asks(
  'ephemeral-containers',
  fields<EphemeralContainer>({ ...containerFields(asks('container-restart-rules')), targetContainerName: free }),
);
