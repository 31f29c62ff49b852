import type { Pod } from '../../../kubernetes/objects.ts';
import { matchesRequirement } from '../../../podspec/admission/node-affinity.ts';
import type { FargateConfig } from '../config.ts';

export interface Platform {
  readonly operatingSystem: 'linux' | 'windows';
  readonly architecture: 'amd64' | 'arm64';
  readonly osFamily: 'LINUX' | 'WINDOWS_SERVER_2019_CORE' | 'WINDOWS_SERVER_2022_CORE' | 'WINDOWS_SERVER_2025_CORE';
}

/** Why no platform of Fargate's is what the pod wants. */
export interface NoPlatform {
  readonly field: string;
  readonly why: string;
}

const architectures = ['amd64', 'arm64'] as const;
const operatingSystems = ['linux', 'windows'] as const;

const windowsFamilies: Readonly<Record<string, Platform['osFamily']>> = {
  '10.0.17763': 'WINDOWS_SERVER_2019_CORE',
  '10.0.20348': 'WINDOWS_SERVER_2022_CORE',
  '10.0.26100': 'WINDOWS_SERVER_2025_CORE',
};
const defaultWindowsFamily = 'WINDOWS_SERVER_2022_CORE';

/**
 * What the pod's `os`, node selector and required node affinity leave: the node's own platform where they allow it, else
 * the first of Fargate's that they allow.
 */
export function platformOf(
  pod: Pod,
  config: Pick<FargateConfig, 'operatingSystem' | 'architecture'>,
): Platform | NoPlatform {
  const wantedOs = pod.spec?.os?.name;
  const isAllowedOs = (os: string): boolean =>
    (wantedOs === undefined || wantedOs === os) && allows(pod, 'kubernetes.io/os', os);
  const operatingSystem = choose(operatingSystems, config.operatingSystem, isAllowedOs);
  if (operatingSystem === undefined) return noPlatform('an operating system other than linux and windows');

  const isAllowedArch = (arch: string): boolean => allows(pod, 'kubernetes.io/arch', arch);
  const architecture = choose(architectures, config.architecture, isAllowedArch);
  if (architecture === undefined) return noPlatform('a CPU architecture other than amd64 and arm64');
  if (operatingSystem === 'linux') return { operatingSystem, architecture, osFamily: 'LINUX' };
  if (architecture === 'arm64') return noPlatform('Windows on arm64');

  const builds = Object.keys(windowsFamilies);
  const isAllowedBuild = (build: string): boolean => allows(pod, 'node.kubernetes.io/windows-build', build);
  if (!builds.some(isAllowedBuild)) return noPlatform(`a Windows build other than ${builds.join(', ')}`);
  const isDefaultAllowed = builds.some(
    (build) => windowsFamilies[build] === defaultWindowsFamily && isAllowedBuild(build),
  );
  const build = builds.find(isAllowedBuild) ?? '';
  return {
    operatingSystem,
    architecture,
    osFamily: isDefaultAllowed ? defaultWindowsFamily : (windowsFamilies[build] ?? defaultWindowsFamily),
  };
}

function noPlatform(what: string): NoPlatform {
  return { field: 'spec.nodeSelector', why: `the pod wants ${what}, which Fargate does not have` };
}

function choose<T extends string>(all: readonly T[], preferred: T, isAllowed: (value: T) => boolean): T | undefined {
  return isAllowed(preferred) ? preferred : all.find(isAllowed);
}

/** Whether a node with this value of the label is one that the pod may run on. */
function allows({ spec }: Pod, label: string, value: string): boolean {
  const selected = spec?.nodeSelector?.[label];
  if (selected !== undefined && selected !== value) return false;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return true;
  return terms.some(({ matchExpressions = [] }) =>
    matchExpressions.filter(({ key }) => key === label).every((each) => matchesRequirement(each, value)),
  );
}
