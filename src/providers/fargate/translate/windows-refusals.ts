import type { Container, Pod } from '../../../kubernetes/objects.ts';
import type { FeatureId } from '../../../podspec/features/feature.ts';
import type { Refusal } from '../../../podspec/features/refusals.ts';
import type { FargateConfig } from '../config.ts';
import { annotatedCapacityProviders, annotatedUlimits, capacityAnnotation, ulimitsAnnotation } from './annotations.ts';
import { containersWithFields } from './spec-fields.ts';
import { podNeeds } from './task-size.ts';

/** What only Linux tasks have. */
const linuxOnly = 'ECS has no such setting for Windows containers';

/** Fields of one container and what they ask for. */
const containerFields: readonly (readonly [string, FeatureId, (container: Container) => unknown])[] = [
  ['securityContext.runAsUser', 'run-as-user', ({ securityContext }) => securityContext?.runAsUser !== undefined],
  ['securityContext.runAsGroup', 'run-as-user', ({ securityContext }) => securityContext?.runAsGroup !== undefined],
  ['securityContext.capabilities', 'capabilities', ({ securityContext }) => securityContext?.capabilities],
  [
    'securityContext.readOnlyRootFilesystem',
    'read-only-root',
    ({ securityContext }) => securityContext?.readOnlyRootFilesystem,
  ],
  ['securityContext.windowsOptions', 'windows', ({ securityContext }) => securityContext?.windowsOptions],
];

/** What a pod for Windows asks of Fargate in vain. */
export function windowsRefusals(pod: Pod, config: FargateConfig): Refusal[] {
  const { spec } = pod;
  const refused: Refusal[] = containersWithFields(pod).flatMap(({ container, field: place }) =>
    containerFields
      .filter(([, , read]) => read(container))
      .map(([field, feature]) => ({ field: `${place}.${field}`, feature, why: linuxOnly })),
  );
  const refuse = (field: string, feature: FeatureId | undefined, why: string): void => {
    refused.push({ field, feature, why });
  };
  for (const field of ['runAsUser', 'runAsGroup'] as const) {
    if (spec?.securityContext?.[field] !== undefined) refuse(`spec.securityContext.${field}`, 'run-as-user', linuxOnly);
  }
  if (spec?.securityContext?.windowsOptions) refuse('spec.securityContext.windowsOptions', 'windows', linuxOnly);
  if (spec?.securityContext?.sysctls?.length) refuse('spec.securityContext.sysctls', 'sysctls', linuxOnly);
  if (spec?.shareProcessNamespace) refuse('spec.shareProcessNamespace', 'share-process-namespace', linuxOnly);
  for (const [index, { persistentVolumeClaim, ephemeral, emptyDir }] of (spec?.volumes ?? []).entries()) {
    if (persistentVolumeClaim ?? ephemeral)
      refuse(`spec.volumes[${index}]`, 'persistent-volumes', 'EFS is for Linux tasks');
    if (emptyDir?.medium) refuse(`spec.volumes[${index}]`, 'empty-dir', linuxOnly);
  }
  if (podNeeds(pod).storageGib > 20) {
    refuse(
      'spec.containers[*].resources',
      'ephemeral-storage-limits',
      'Windows tasks have 20 GiB of storage and no more',
    );
  }
  if (annotatedUlimits(pod)) refuse(`metadata.annotations["${ulimitsAnnotation}"]`, undefined, linuxOnly);
  const annotated = annotatedCapacityProviders(pod);
  if ((annotated ?? config.capacityProviders).some(({ name }) => name === 'FARGATE_SPOT')) {
    const where = annotated ? '' : ', where the provider’s configuration puts pods without this annotation';
    refuse(`metadata.annotations["${capacityAnnotation}"]`, undefined, `Fargate Spot runs no Windows${where}`);
  }
  return refused;
}
