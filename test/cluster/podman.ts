import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as toml from 'smol-toml';
import { addresses } from './network-namespace.ts';
import { registryAddress } from './registry.ts';

/** Where a cluster's own Podman keeps its things, apart from the machine's and from other clusters'. */
export interface PodmanPaths {
  readonly socket: string;
  readonly environment: Readonly<Record<string, string>>;
}

export function podmanPaths(runDir: string): PodmanPaths {
  return {
    socket: join(runDir, 'podman.sock'),
    environment: {
      CONTAINERS_CONF: file(runDir, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: file(runDir, 'storage.conf'),
      CONTAINERS_REGISTRIES_CONF: file(runDir, 'registries.conf'),
    },
  };
}

function file(runDir: string, name: string): string {
  return join(runDir, 'podman', name);
}

export function writePodmanConfiguration(runDir: string): void {
  mkdirSync(join(runDir, 'podman'), { recursive: true });
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const files: Record<string, toml.TomlTable> = {
    'containers.conf': {
      containers: {
        log_driver: 'k8s-file',
        // Podman's own defaults are above the limits of a root user without CAP_SYS_RESOURCE, who may not raise them.
        default_ulimits: [
          `nofile=${hardLimit(limits, 'Max open files', 1_048_576)}`,
          // Podman lowers its own to the number of process ids that there are.
          `nproc=${hardLimit(limits, 'Max processes', Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')))}`,
        ],
      },
      engine: {
        runtime: 'runc',
        cgroup_manager: 'cgroupfs',
        events_logger: 'file',
        // The processes that watch an exec stay for five minutes by default: probes would gather thousands.
        exit_command_delay: 2,
        // Locks in shared memory would be shared with every other Podman of the machine.
        lock_type: 'file',
        // The state and the volumes are below the graph root by default, and must be: the process that records how a
        // container ended gets only the roots, and looks there.
        tmp_dir: file(runDir, 'tmp'),
      },
      network: {
        network_backend: 'netavark',
        network_config_dir: file(runDir, 'networks'),
        default_subnet: addresses.podCidr,
      },
    },
    'storage.conf': {
      storage: { driver: storageDriver(runDir), graphroot: file(runDir, 'storage'), runroot: file(runDir, 'run') },
    },
    'registries.conf': {
      'unqualified-search-registries': ['docker.io'],
      'short-name-mode': 'disabled',
      registry: [
        { location: registryAddress, insecure: true },
        ...['docker.io', 'registry.k8s.io', 'quay.io', 'ghcr.io'].map((prefix) => ({
          prefix,
          location: `${registryAddress}/${prefix}`,
          insecure: true,
        })),
      ],
    },
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(file(runDir, name), toml.stringify(content));
}

/** In a container the file system is often an overlay itself, which overlays cannot be made of. */
function storageDriver(dir: string): 'overlay' | 'vfs' {
  const overlayFileSystem = 0x794c7630;
  return statfsSync(dir).type === overlayFileSystem ? 'vfs' : 'overlay';
}

/** A soft and hard limit as Podman writes them: the wished one, or ours where that is lower. */
export function hardLimit(procLimits: string, name: string, wished: number): string {
  const line = procLimits.split('\n').find((candidate) => candidate.startsWith(name));
  const hard = Number(line?.slice(name.length).trim().split(/\s+/)[1]);
  // 'unlimited' is not a number.
  const limit = Number.isNaN(hard) ? wished : Math.min(hard, wished);
  return `${limit}:${limit}`;
}

/** The command line of the service that speaks Podman's API. It must start inside the network namespace. */
export function podmanServiceCommand(paths: PodmanPaths): string[] {
  return ['podman', 'system', 'service', '--time=0', `unix://${paths.socket}`];
}

/** Whether Podman's API answers. */
export function podmanAnswers(socketPath: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy(new Error(`${socketPath} did not answer within a second.`)));
    ping.on('error', reject);
    ping.end();
  });
}
