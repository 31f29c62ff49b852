/**
 * The promises of a pod spec that a provider can keep or not, by name: rows of the README's table, and the words in
 * which a pod is refused. Fields that every provider honours have no feature.
 */
export const featureIds = [
  'command-args-env',
  'pod-ip-env',
  'env-files',
  'resource-limits',
  'ephemeral-storage-limits',
  'pod-level-resources',
  'image-pull-policy',
  'image-pull-secrets',
  'restart-policy',
  'container-restart-rules',
  'restart-all-containers',
  'termination-grace',
  'stop-signal',
  'termination-message',
  'active-deadline',
  'init-containers',
  'sidecar-containers',
  'ephemeral-containers',
  'lifecycle-hooks',
  'exec-probes',
  'network-probes',
  'grpc-probes',
  'readiness-gates',
  'service-account-token',
  'projected-certificates',
  'config-map-volumes',
  'secret-volumes',
  'downward-api',
  'empty-dir',
  'host-path',
  'persistent-volumes',
  'network-volumes',
  'image-volumes',
  'sub-path',
  'mount-propagation',
  'run-as-user',
  'supplemental-groups',
  'fs-group',
  'read-only-root',
  'no-privilege-escalation',
  'capabilities',
  'privileged',
  'seccomp-default',
  'seccomp-profiles',
  'apparmor',
  'selinux',
  'sysctls',
  'share-process-namespace',
  'host-network',
  'host-pid-ipc',
  'host-ports',
  'host-aliases',
  'host-users',
  'dns-policy',
  'hostname-subdomain',
  'runtime-class',
  'resource-claims',
  'in-place-resize',
  'tty-stdin',
  'devices',
  'windows',
  'logs',
] as const;

export type FeatureId = (typeof featureIds)[number];

/**
 * What a provider does about a feature. A refusal refuses the pod that asks for it; its text says why, for the pod's
 * owner. A note says what differs from a kubelet.
 */
export type Support =
  | { readonly kind: 'honoured'; readonly note?: string }
  | { readonly kind: 'refused'; readonly why: string };

/** Every feature has an answer: the compiler sees to it. */
export type Capabilities = Readonly<Record<FeatureId, Support>>;
