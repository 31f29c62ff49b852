import type { Clock } from '../../support/clock.ts';
import type { CallOptions, RuntimeVersion } from '../runtime.ts';
import type { LibpodClient } from './client.ts';

/** What we read of `GET /info`. */
export interface PodmanInfo {
  readonly host: {
    readonly arch: string;
    readonly os: string;
    readonly kernel: string;
    readonly cpus: number;
    readonly memTotal: number;
    readonly distribution: { readonly distribution: string; readonly version: string; readonly codename?: string };
  };
  readonly store: {
    readonly graphDriverName?: string;
    readonly graphRoot?: string;
    readonly graphRootAllocated?: number;
  };
  readonly version: { readonly Version: string };
}

/** An upgrade is seen after so long. */
const keepMs = 10 * 60_000;

/**
 * What Podman says of itself and its machine. Each answer costs Podman more than 100 ms of CPU, so it is kept for ten
 * minutes; meanwhile Podman is only asked whether it answers.
 */
export class Version {
  readonly #client: LibpodClient;
  readonly #clock: Clock;
  #last: { readonly version: RuntimeVersion; readonly readAtMs: number } | undefined;

  constructor({ client, clock }: { readonly client: LibpodClient; readonly clock: Clock }) {
    this.#client = client;
    this.#clock = clock;
  }

  async read(options: CallOptions): Promise<RuntimeVersion> {
    const nowMs = this.#clock.now();
    if (this.#last && nowMs - this.#last.readAtMs < keepMs) {
      await this.#client.call({ method: 'GET', path: '/_ping' }, options);
      return this.#last.version;
    }
    const version = toRuntimeVersion(await this.#client.json({ method: 'GET', path: '/info' }, options));
    this.#last = { version, readAtMs: nowMs };
    return version;
  }
}

export function toRuntimeVersion({ host, store, version }: PodmanInfo): RuntimeVersion {
  const { distribution, version: release, codename } = host.distribution;
  return {
    name: 'podman',
    version: version.Version,
    architecture: host.arch,
    operatingSystem: host.os,
    osImage: [distribution, release, codename && `(${codename})`].filter(Boolean).join(' '),
    kernelVersion: host.kernel,
    cpus: host.cpus,
    memoryBytes: host.memTotal,
    storageBytes: store.graphRootAllocated ?? 0,
    ...(store.graphDriverName === undefined ? {} : { storageDriver: store.graphDriverName }),
    ...(store.graphRoot === undefined ? {} : { storagePath: store.graphRoot }),
  };
}
