import { type Capabilities, type FeatureId, featureIds, type Support } from '../../podspec/features/feature.ts';

const honoured: Support = { kind: 'honoured' };

function note(text: string): Support {
  return { kind: 'honoured', note: text };
}

function refused(why: string): Support {
  return { kind: 'refused', why };
}

const inside = 'nothing of ours runs inside a Fargate task to put it there';
const noHost = 'Fargate has no host that a pod could see';
const noSetting = 'ECS has no such setting on Fargate';

const supports: Partial<Record<FeatureId, Support>> = {
  'command-args-env': note(
    'secret values go through AWS Secrets Manager; command and args with one in them are refused',
  ),
  'pod-ip-env': refused('a Fargate task gets its address after its environment'),
  'env-files': refused(inside),
  'resource-limits': note(
    'rounded up to a size of Fargate for the whole pod; CPU limits of single containers are shares',
  ),
  'ephemeral-storage-limits': note('of the whole pod: the size of its storage, 20 to 200 GiB'),
  'image-pull-policy': note('each task pulls its images anew; Never is refused'),
  'image-pull-secrets': note('through AWS Secrets Manager; one pair of credentials a container'),
  'restart-policy': note(
    'the whole pod is restarted, as a new task with a new IP; others than Always for one container and its sidecars',
  ),
  'container-restart-rules': refused('a Fargate task ends and starts as a whole'),
  'restart-all-containers': refused('a Fargate task ends and starts as a whole'),
  'termination-grace': note('2 to 120 s, the same however the pod is deleted'),
  'stop-signal': refused(noSetting),
  'termination-message': refused('nobody can read a file inside a Fargate task'),
  'init-containers': note('a failed one is tried again with a new task'),
  'sidecar-containers': note(
    'brought up again by ECS after they ran for a minute, else with the whole pod where restartPolicy is Always, else not',
  ),
  'ephemeral-containers': refused('nothing can be added to a running Fargate task'),
  'lifecycle-hooks': refused(inside),
  'exec-probes': note('as the health check of ECS, one a container'),
  'network-probes': note('at the task’s address, from this node'),
  'grpc-probes': note('at the task’s address, from this node'),
  'service-account-token': refused(inside),
  'projected-certificates': refused(inside),
  'config-map-volumes': refused(inside),
  'secret-volumes': refused(inside),
  'downward-api': refused(inside),
  'empty-dir': note('in memory where the configuration allows it, and at one place of one container'),
  'host-path': refused(noHost),
  'persistent-volumes': note('of the EFS CSI driver'),
  'network-volumes': refused('Fargate mounts EFS by persistent volume claims alone'),
  'image-volumes': refused(noSetting),
  'sub-path': refused('ECS mounts volumes as a whole'),
  'mount-propagation': refused(noHost),
  'supplemental-groups': refused(noSetting),
  'fs-group': refused(noSetting),
  'no-privilege-escalation': refused(noSetting),
  capabilities: note('any may be dropped, SYS_PTRACE alone may be added'),
  privileged: refused('Fargate runs no privileged containers'),
  'seccomp-default': note('Fargate’s own'),
  'seccomp-profiles': refused(noSetting),
  apparmor: refused(noSetting),
  selinux: refused(noSetting),
  sysctls: note('those of the network (net.…) and of IPC, which each container has for itself'),
  'host-network': refused(noHost),
  'host-pid-ipc': refused(noHost),
  'host-ports': refused(noHost),
  'host-aliases': refused(noSetting),
  'host-users': refused(noHost),
  'dns-policy': note('the VPC’s resolver whatever the policy says; None and dnsConfig are refused'),
  'hostname-subdomain': refused('Fargate names its hosts itself'),
  'runtime-class': refused(noSetting),
  'resource-claims': refused('Fargate has no devices'),
  'in-place-resize': refused('a Fargate task keeps its size'),
  'tty-stdin': note('nobody can attach to them'),
  devices: refused('Fargate has no devices'),
  windows: note('Windows Server Core; without windowsOptions'),
  logs: note('from CloudWatch Logs, where the configuration names a log group; stdout and stderr are one'),
};

/** What Fargate can do for a pod, whatever the configuration; `fargateRefusals` has what depends on a field's value. */
export const capabilities = Object.fromEntries(
  featureIds.map((feature) => [feature, supports[feature] ?? honoured]),
) as Capabilities;
