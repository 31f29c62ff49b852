import { coreDnsVersion, etcdVersion, kubernetesVersion } from './versions.ts';

export const binaryNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubectl',
  'coredns',
] as const;

export type BinaryName = (typeof binaryNames)[number];

/** A file that is downloaded and compared with its checksum. */
export interface BinaryRelease {
  readonly url: string;
  /** Serves lines of `sha256 [file name]`. */
  readonly checksumUrl: string;
  /** The file's path inside the archive; absent where the release is the binary itself. */
  readonly archiveMember?: string;
}

/** Where a binary comes from: its official release, and the Go module that it builds from where that is out of reach. */
export interface BinarySource {
  readonly name: string;
  readonly version: string;
  /** Absent where nobody releases it as a binary. */
  readonly release?: BinaryRelease;
  readonly build: {
    /** A folder under modules/. */
    readonly module: string;
    readonly package: string;
    /** Go variables set by the linker, so that the binary tells its version as the release does. */
    readonly variables: Readonly<Record<string, string>>;
    /** The package's tests are what is wanted (`go test -c`). */
    readonly tests?: true;
  };
}

/** A source that is released as a binary too. */
export type ReleasedSource = BinarySource & { readonly release: BinaryRelease };

/** A source of Kubernetes' own releases. */
export function kubernetes(
  name: string,
  arch: string,
  { version, module, package: main }: { version: string; module: string; package: string },
): ReleasedSource {
  const url = `https://dl.k8s.io/release/${version}/bin/linux/${arch}/${name}`;
  const [major = '', minor = ''] = version.slice(1).split('.');
  return {
    name,
    version,
    release: { url, checksumUrl: `${url}.sha256` },
    build: {
      module,
      package: main,
      variables: {
        'k8s.io/component-base/version.gitVersion': version,
        'k8s.io/component-base/version.gitMajor': major,
        'k8s.io/component-base/version.gitMinor': minor,
      },
    },
  };
}

function etcd(arch: string): ReleasedSource {
  const folder = `etcd-${etcdVersion}-linux-${arch}`;
  const releases = `https://github.com/etcd-io/etcd/releases/download/${etcdVersion}`;
  return {
    name: 'etcd',
    version: etcdVersion,
    release: {
      url: `${releases}/${folder}.tar.gz`,
      checksumUrl: `${releases}/SHA256SUMS`,
      archiveMember: `${folder}/etcd`,
    },
    build: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3', variables: {} },
  };
}

function coredns(arch: string): ReleasedSource {
  const archive = `coredns_${coreDnsVersion.slice(1)}_linux_${arch}.tgz`;
  const releases = `https://github.com/coredns/coredns/releases/download/${coreDnsVersion}`;
  return {
    name: 'coredns',
    version: coreDnsVersion,
    release: {
      url: `${releases}/${archive}`,
      checksumUrl: `${releases}/${archive}.sha256`,
      archiveMember: 'coredns',
    },
    build: { module: 'coredns', package: 'github.com/coredns/coredns', variables: {} },
  };
}

/** `arch` is Go's word: amd64, arm64. */
export function binarySource(name: BinaryName, arch: string): ReleasedSource {
  switch (name) {
    case 'etcd':
      return etcd(arch);
    case 'coredns':
      return coredns(arch);
    default:
      return kubernetes(name, arch, {
        version: kubernetesVersion,
        module: 'kubernetes',
        package: `k8s.io/kubernetes/cmd/${name}`,
      });
  }
}

/** Go's word for the machine's architecture. */
export function goArchitecture(nodeArchitecture: string = process.arch): string {
  return nodeArchitecture === 'x64' ? 'amd64' : nodeArchitecture;
}
