import type { Container, PodSpec } from '../../kubernetes/objects.ts';
import { asks, asksBy, fields, free, items, type Rule, unless, unlessEmpty } from './rule.ts';

type ContainerSecurity = NonNullable<Container['securityContext']>;
type PodSecurity = NonNullable<PodSpec['securityContext']>;
type SeccompProfile = NonNullable<PodSecurity['seccompProfile']>;

const seccompProfile = asksBy(
  (profile: SeccompProfile) => (profile.type === 'RuntimeDefault' ? 'seccomp-default' : 'seccomp-profiles'),
  fields<SeccompProfile>({ type: free, localhostProfile: free }),
);

const appArmorProfile = asks(
  'apparmor',
  fields<NonNullable<PodSecurity['appArmorProfile']>>({ type: free, localhostProfile: free }),
);

const seLinuxOptions = unlessEmpty(
  'selinux',
  fields<NonNullable<PodSecurity['seLinuxOptions']>>({ level: free, role: free, type: free, user: free }),
);

/** What can be said for a container and for the whole pod. */
const shared = {
  runAsUser: asks('run-as-user'),
  runAsGroup: asks('run-as-user'),
  runAsNonRoot: unless(false, 'run-as-user'),
  seccompProfile,
  appArmorProfile,
  seLinuxOptions,
  windowsOptions: unlessEmpty('windows'),
};

export const podSecurityContext: Rule = fields<PodSecurity>({
  ...shared,
  fsGroup: asks('fs-group'),
  // Says how fsGroup is done and is nothing without it.
  fsGroupChangePolicy: asksBy((_: string, { parent }: { parent: PodSecurity }) =>
    parent.fsGroup === undefined ? undefined : 'fs-group',
  ),
  supplementalGroups: unlessEmpty('supplemental-groups'),
  supplementalGroupsPolicy: unless('Merge', 'supplemental-groups'),
  seLinuxChangePolicy: asks('selinux'),
  sysctls: items(asks('sysctls', fields<NonNullable<PodSecurity['sysctls']>[number]>({ name: free, value: free }))),
});

export const containerSecurityContext: Rule = fields<ContainerSecurity>({
  ...shared,
  allowPrivilegeEscalation: unless(true, 'no-privilege-escalation'),
  capabilities: fields<NonNullable<ContainerSecurity['capabilities']>>({
    add: unlessEmpty('capabilities'),
    drop: unlessEmpty('capabilities'),
  }),
  privileged: unless(false, 'privileged'),
  procMount: unless('Default', 'privileged'),
  readOnlyRootFilesystem: unless(false, 'read-only-root'),
});
