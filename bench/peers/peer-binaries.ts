import { ensureBinary } from '../../test/cluster/binaries.ts';
import { binarySource, goArchitecture, kubernetes, type ReleasedSource } from '../../test/cluster/binary-sources.ts';
import type { Progress } from '../../test/cluster/progress.ts';

const containerdVersion = 'v2.3.7';

/** Each go.mod is beside this file and not among the cluster's, which need no kubelet. */
const modules = '../../../bench/peers';

/** Those that we are compared with. Where they have to be built that needs a network, which the cluster's has not. */
export async function peerBinaries(options: {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}): Promise<{ readonly kubelet: string; readonly containerd: string }> {
  const { version } = binarySource('kubectl', goArchitecture());
  const kubelet = await ensureBinary(
    kubernetes('kubelet', goArchitecture(), {
      version,
      module: `${modules}/kubelet`,
      package: 'k8s.io/kubernetes/cmd/kubelet',
    }),
    options,
  );
  // containerd looks for its shim beside itself.
  await ensureBinary(containerdSource('containerd-shim-runc-v2'), options);
  return { kubelet, containerd: await ensureBinary(containerdSource('containerd'), options) };
}

function containerdSource(name: string): ReleasedSource {
  const archive = `containerd-${containerdVersion.slice(1)}-linux-${goArchitecture()}.tar.gz`;
  const url = `https://github.com/containerd/containerd/releases/download/${containerdVersion}/${archive}`;
  return {
    name,
    version: containerdVersion,
    release: { url, checksumUrl: `${url}.sha256sum`, archiveMember: `bin/${name}` },
    build: {
      module: `${modules}/containerd`,
      package: `github.com/containerd/containerd/v2/cmd/${name}`,
      variables: {},
    },
  };
}
