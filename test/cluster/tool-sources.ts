import { type BinarySource, goArchitecture, kubernetes, type ReleasedSource } from './binary-sources.ts';
import { metricsServerVersion } from './versions.ts';

/** A kubectl of its own version; modules/kubectl-<major>.<minor> pins it. */
export function kubectlSource(version: string, arch: string = goArchitecture()): ReleasedSource {
  const minorVersion = version.slice(1).split('.').slice(0, 2).join('.');
  return kubernetes('kubectl', arch, {
    version,
    module: `kubectl-${minorVersion}`,
    package: 'virtual-kubelet.test/cluster/kubectl',
  });
}

/** What reads the use of nodes and pods for `kubectl top` and autoscalers; released as an image only. */
export const metricsServerSource: BinarySource = {
  name: 'metrics-server',
  version: metricsServerVersion,
  build: {
    module: 'metrics-server',
    package: 'sigs.k8s.io/metrics-server/cmd/metrics-server',
    variables: { 'k8s.io/client-go/pkg/version.gitVersion': metricsServerVersion },
  },
};
