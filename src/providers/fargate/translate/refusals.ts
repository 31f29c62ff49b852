import type { Container, Pod, Volume } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';
import type { FeatureId } from '../../../podspec/features/feature.ts';
import { type Refusal, refusalMessage } from '../../../podspec/features/refusals.ts';
import { CodedError } from '../../../support/errors.ts';
import type { FargateConfig } from '../config.ts';
import { allContainers } from '../resolve/pod-inputs.ts';
import { annotationRefusals } from './annotations.ts';
import { healthCheckOf } from './health-check.ts';
import { platformOf } from './platform.ts';
import { containersWithFields } from './spec-fields.ts';
import { isSupportedSysctl } from './sysctls.ts';
import { cpuUnitsFromMilliCpu, podNeeds, smallestSize } from './task-size.ts';
import { isInMemory, mountCount } from './volumes.ts';
import { windowsRefusals } from './windows-refusals.ts';

const mostContainers = 10;
const mostStorageGib = 200;
const missingRole = 'ExecutionRoleArn, which the provider’s configuration does not have';

/** Everything of the pod that Fargate cannot do, beyond what the provider's capabilities say of whole features. */
export function fargateRefusals(pod: Pod, config: FargateConfig): Refusal[] {
  return [
    ...annotationRefusals(pod),
    ...podRefusals(pod, config),
    ...containersWithFields(pod).flatMap(({ container, field }) =>
      containerRefusals(container, field, { pod, config }),
    ),
    ...(pod.spec?.volumes ?? []).flatMap((volume, index) =>
      volumeRefusals(volume, `spec.volumes[${index}]`, { pod, config }),
    ),
    ...sizeRefusals(pod, config),
  ];
}

/** Throws `InvalidInput` with a reason for each field, where there is one. */
export function refuseImpossible(pod: Pod, config: FargateConfig): void {
  const refused = fargateRefusals(pod, config);
  if (refused.length === 0) return;
  throw new CodedError('InvalidInput', refusalMessage(refused), { reason: 'UnsupportedPodSpec' });
}

function podRefusals(pod: Pod, config: FargateConfig): Refusal[] {
  const { spec } = pod;
  const refused: Refusal[] = [];
  const count = allContainers(pod).length;
  if (count > mostContainers) {
    refused.push(
      refusal(
        'spec.containers',
        undefined,
        `an ECS task has ${mostContainers} containers at most, the pod has ${count}`,
      ),
    );
  }
  if ((spec?.containers.length ?? 0) > 1 && spec?.restartPolicy !== 'Always' && spec?.restartPolicy !== undefined) {
    refused.push(
      refusal(
        'spec.restartPolicy',
        'restart-policy',
        `ECS ends the whole task when one of its containers ends, so ${spec.restartPolicy} needs a pod of one container (others may be sidecars: init containers of restartPolicy Always)`,
      ),
    );
  }
  if (spec?.dnsConfig !== undefined || !['ClusterFirst', 'Default', undefined].includes(spec?.dnsPolicy)) {
    refused.push(
      refusal(
        spec?.dnsConfig ? 'spec.dnsConfig' : 'spec.dnsPolicy',
        'dns-policy',
        "Fargate's tasks have the VPC's resolver and no other",
      ),
    );
  }
  for (const [index, { name }] of (spec?.securityContext?.sysctls ?? []).entries()) {
    if (!isSupportedSysctl(name)) {
      refused.push(
        refusal(
          `spec.securityContext.sysctls[${index}]`,
          'sysctls',
          'Fargate lets a task set sysctls of its network (net.…) and IPC (kernel.shm…, kernel.msg…, kernel.sem, fs.mqueue.…) alone',
        ),
      );
    }
  }
  if (spec?.imagePullSecrets?.length && config.executionRoleArn === undefined) {
    refused.push(refusal('spec.imagePullSecrets', 'image-pull-secrets', `Fargate reads them with ${missingRole}`));
  }
  const platform = platformOf(pod, config);
  if ('why' in platform) refused.push(refusal(platform.field, undefined, platform.why));
  else if (platform.operatingSystem === 'windows') refused.push(...windowsRefusals(pod, config));
  return refused;
}

function containerRefusals(
  container: Container,
  field: string,
  { pod, config }: { readonly pod: Pod; readonly config: FargateConfig },
): Refusal[] {
  const refused: Refusal[] = [];
  const refuse = (name: string, feature: FeatureId, why: string): void => {
    refused.push(refusal(`${field}.${name}`, feature, why));
  };
  const { securityContext = {}, imagePullPolicy, ports = [] } = container;
  const ofPod = pod.spec?.securityContext ?? {};
  if (imagePullPolicy === 'Never') {
    refuse('imagePullPolicy', 'image-pull-policy', 'Fargate keeps no images: every task pulls its own');
  }
  if (securityContext.capabilities?.add?.some((name) => name !== 'SYS_PTRACE')) {
    refuse(
      'securityContext.capabilities.add',
      'capabilities',
      'Fargate lets a task add SYS_PTRACE and no other capability',
    );
  }
  const runAsUser = securityContext.runAsUser ?? ofPod.runAsUser;
  if (runAsUser === undefined && (securityContext.runAsGroup ?? ofPod.runAsGroup) !== undefined) {
    refuse('securityContext.runAsGroup', 'run-as-user', 'ECS takes a group beside a user alone; set runAsUser too');
  }
  if ((securityContext.runAsNonRoot ?? ofPod.runAsNonRoot) && !runAsUser) {
    refuse(
      'securityContext.runAsNonRoot',
      'run-as-user',
      'nobody looks at the image’s user before ECS starts it; set runAsUser to other than 0 too',
    );
  }
  if (ports.some(({ protocol }) => protocol === 'SCTP')) {
    refuse('ports', 'command-args-env', 'ECS knows ports of TCP and UDP alone');
  }
  if (container.volumeDevices?.length) {
    refuse('volumeDevices', 'persistent-volumes', 'Fargate mounts file systems (EFS) and no block devices');
  }
  if (config.executionRoleArn === undefined && hasSecrets(container)) {
    refuse('env', 'command-args-env', `Fargate reads secrets with ${missingRole}`);
  }
  return [...refused, ...probeRefusals(container, field, pod)];
}

function hasSecrets({ env = [], envFrom = [] }: Container): boolean {
  return env.some(({ valueFrom }) => valueFrom?.secretKeyRef) || envFrom.some(({ secretRef }) => secretRef);
}

function probeRefusals(container: Container, field: string, pod: Pod): Refusal[] {
  const refused: Refusal[] = [];
  const health = healthCheckOf(container);
  if (health.kind === 'impossible') {
    const probe = `${health.probe}Probe` as const;
    const place = container[probe]?.exec ? `${probe}.exec` : probe;
    refused.push(refusal(`${field}.${place}`, 'exec-probes', health.why));
  }
  if (isSidecar(container) && container.startupProbe && !container.startupProbe.exec) {
    refused.push(
      refusal(
        `${field}.startupProbe`,
        'sidecar-containers',
        'ECS starts the containers after a sidecar by its health check, which runs a command; use an exec probe',
      ),
    );
  }
  for (const probe of ['livenessProbe', 'startupProbe'] as const) {
    const grace = container[probe]?.terminationGracePeriodSeconds;
    if (grace !== undefined && grace !== pod.spec?.terminationGracePeriodSeconds) {
      refused.push(
        refusal(
          `${field}.${probe}.terminationGracePeriodSeconds`,
          'termination-grace',
          'a task has one grace period, whoever ends it',
        ),
      );
    }
  }
  return refused;
}

function volumeRefusals(
  volume: Volume,
  field: string,
  { pod, config }: { pod: Pod; config: FargateConfig },
): Refusal[] {
  if (!isInMemory(volume)) return [];
  if (!config.allowTmpfs) {
    return [
      refusal(
        `${field}.emptyDir.medium`,
        'empty-dir',
        'memory for volumes (tmpfs) is switched off; the provider’s configuration can switch it on with Tmpfs',
      ),
    ];
  }
  if (mountCount(pod, volume) > 1) {
    return [
      refusal(
        `${field}.emptyDir.medium`,
        'empty-dir',
        'on Fargate a volume in memory is at one place of one container, and the pod mounts it at several',
      ),
    ];
  }
  return [];
}

function sizeRefusals(pod: Pod, config: FargateConfig): Refusal[] {
  const platform = platformOf(pod, config);
  const operatingSystem = 'why' in platform ? 'linux' : platform.operatingSystem;
  const { milliCpu, memoryMib, storageGib } = podNeeds(pod);
  const refused: Refusal[] = [];
  if (smallestSize({ cpuUnits: cpuUnitsFromMilliCpu(milliCpu), memoryMib }, operatingSystem) === undefined) {
    refused.push(
      refusal(
        'spec.containers[*].resources',
        'resource-limits',
        `no size of Fargate has ${milliCpu}m CPU and ${memoryMib} MiB of memory`,
      ),
    );
  }
  if (storageGib > mostStorageGib) {
    refused.push(
      refusal(
        'spec.containers[*].resources',
        'ephemeral-storage-limits',
        `a task has ${mostStorageGib} GiB of storage at most, the pod wants ${storageGib}`,
      ),
    );
  }
  return refused;
}

function refusal(field: string, feature: FeatureId | undefined, why: string): Refusal {
  return { field, feature, why };
}
