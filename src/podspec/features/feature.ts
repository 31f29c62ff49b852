/**
 * The promises of a pod spec that a provider can keep or not, by name: rows of the README's table, and the words in
 * which a pod is refused. Fields that every provider honours have no feature.
 */
export const featureIds = [
  'command-args-env',
  'resource-limits',
  'image-pull-policy',
  'image-pull-secrets',
  'restart-policy',
  'termination-grace',
  'termination-message',
  'active-deadline',
  'init-containers',
  'sidecar-containers',
  'ephemeral-containers',
  'lifecycle-hooks',
  'exec-probes',
  'network-probes',
  'readiness-gates',
  'service-account-token',
  'config-map-volumes',
  'secret-volumes',
  'downward-api',
  'empty-dir',
  'host-path',
  'persistent-volumes',
  'image-volumes',
  'sub-path',
  'mount-propagation',
  'run-as-user',
  'read-only-root',
  'capabilities',
  'privileged',
  'seccomp-apparmor-selinux',
  'fs-group',
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
