import type { PodSpec } from '../../kubernetes/objects.ts';
import { container, initContainer, resources } from './container-fields.ts';
import { apiDefaults } from './defaults.ts';
import { asks, asksBy, fields, free, items, type Rule, unless, unlessEmpty } from './rule.ts';
import { podSecurityContext } from './security-fields.ts';
import { volumes } from './volume-fields.ts';

/** The whole pod spec of Kubernetes 1.36: what each field asks of whoever runs the pod. */
export const podSpec: Rule = fields<PodSpec>({
  containers: items(container),
  initContainers: items(initContainer),
  // Added to a pod that runs already, which must not end for it: see `refusedEphemeralContainers`.
  ephemeralContainers: free,
  volumes,

  restartPolicy: unless(apiDefaults.restartPolicy, 'restart-policy'),
  terminationGracePeriodSeconds: unless(apiDefaults.terminationGracePeriodSeconds, 'termination-grace'),
  activeDeadlineSeconds: asks('active-deadline'),
  readinessGates: items(
    asks('readiness-gates', fields<NonNullable<PodSpec['readinessGates']>[number]>({ conditionType: free })),
  ),
  resources: unlessEmpty('pod-level-resources', resources),
  resourceClaims: items(asks('resource-claims')),
  runtimeClassName: asks('runtime-class'),
  securityContext: podSecurityContext,
  imagePullSecrets: items(
    asks('image-pull-secrets', fields<NonNullable<PodSpec['imagePullSecrets']>[number]>({ name: free })),
  ),

  hostNetwork: unless(false, 'host-network'),
  hostPID: unless(false, 'host-pid-ipc'),
  hostIPC: unless(false, 'host-pid-ipc'),
  hostUsers: unless(true, 'host-users'),
  shareProcessNamespace: unless(false, 'share-process-namespace'),
  hostname: asks('hostname-subdomain'),
  hostnameOverride: asks('hostname-subdomain'),
  subdomain: asks('hostname-subdomain'),
  setHostnameAsFQDN: unless(false, 'hostname-subdomain'),
  hostAliases: items(
    asks('host-aliases', fields<NonNullable<PodSpec['hostAliases']>[number]>({ ip: free, hostnames: free })),
  ),
  dnsPolicy: unless(apiDefaults.dnsPolicy, 'dns-policy'),
  dnsConfig: unlessEmpty(
    'dns-policy',
    fields<NonNullable<PodSpec['dnsConfig']>>({ nameservers: free, searches: free, options: free }),
  ),
  os: asksBy((os: NonNullable<PodSpec['os']>) => (os.name === 'windows' ? 'windows' : undefined)),

  // Decided by admission and what we make of the pod, the same for every provider.
  serviceAccountName: free,
  serviceAccount: free,
  automountServiceAccountToken: free,
  enableServiceLinks: free,

  // Where and when it runs was decided before the pod came to us; what a kubelet checks again, `nodeRefusal` does.
  nodeName: free,
  nodeSelector: free,
  affinity: free,
  tolerations: free,
  topologySpreadConstraints: free,
  priority: free,
  priorityClassName: free,
  preemptionPolicy: free,
  schedulerName: free,
  schedulingGates: free,
  schedulingGroup: free,
  overhead: free,
});
