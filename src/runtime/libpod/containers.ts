import type { Clock } from '../../support/clock.ts';
import { hasCode, messageOf } from '../../support/errors.ts';
import type { CallOptions, ContainerInfo, LabelFilter, Resources } from '../runtime.ts';
import { type LibpodClient, segment, toFilters, toLabelFilter } from './client.ts';
import {
  type InspectedContainer,
  isRevived,
  isRunning,
  type ListedContainer,
  toContainerInfo,
  unknownExitCode,
  versionOfInspected,
  versionOfListed,
} from './container-info.ts';
import type { ContainerProcesses } from './container-processes.ts';
import { toUpdatedResources } from './container-spec.ts';
import { exitCodes } from './events.ts';
import { carries } from './labels.ts';
import type { OomKills } from './oom-kills.ts';

interface Known {
  /** Of `info`: what a list must say for it to be still true. */
  readonly version: string;
  readonly info: ContainerInfo;
  readonly logPath: string;
  readonly writableLayer: string | undefined;
  readonly readAtMs: number;
}

export interface ContainersOptions {
  readonly client: LibpodClient;
  readonly clock: Clock;
  readonly oomKills: OomKills;
  readonly processes: ContainerProcesses;
}

/** Containers that exist, and what is known of them. */
export class Containers {
  readonly #client: LibpodClient;
  readonly #clock: Clock;
  readonly #oomKills: OomKills;
  readonly #processes: ContainerProcesses;
  /**
   * What the last inspect of a container said. A list says too little (whole seconds, no OOM kill), so a container is
   * inspected once for each state that it comes to, and not at each list. Also the only place that has the ends of which
   * Podman does not know.
   */
  readonly #known = new Map<string, Known>();

  constructor({ client, clock, oomKills, processes }: ContainersOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#oomKills = oomKills;
    this.#processes = processes;
  }

  async create(specGenerator: Readonly<Record<string, unknown>>, options: CallOptions): Promise<string> {
    const { Id } = await this.#client.json<{ readonly Id: string }>(
      { method: 'POST', path: '/containers/create', body: specGenerator },
      options,
    );
    return Id;
  }

  /** Only for a container that was never started: Podman would run an ended one a second time. */
  async start(id: string, options: CallOptions): Promise<void> {
    try {
      await this.#client.call({ method: 'POST', path: `/containers/${segment(id)}/start` }, options);
    } catch (error) {
      if (hasCode(error, 'InvalidInput')) await this.#noteFailedStart(id, error.message, options).catch(() => {});
      throw error;
    }
  }

  async remove(id: string, options: CallOptions): Promise<void> {
    const path = `/containers/${segment(id)}`;
    const query = { force: true, ignore: true, timeout: 0, volumes: true };
    try {
      await this.#client.call({ method: 'DELETE', path, query }, options);
    } catch (error) {
      // Podman 5 has then killed a container that had lost its watcher, and removes it when asked again.
      if (!messageOf(error).includes('exit code could not be retrieved')) throw error;
      await this.#client.call({ method: 'DELETE', path, query }, options);
    }
    this.#known.delete(id);
  }

  async list(filter: LabelFilter, options: CallOptions): Promise<readonly ContainerInfo[]> {
    const askedAtMs = this.#clock.now();
    const entries = await this.#client.json<readonly ListedContainer[]>(
      {
        method: 'GET',
        path: '/containers/json',
        query: { all: true, filters: toFilters({ label: toLabelFilter(filter) }) },
      },
      options,
    );
    const containers = entries.filter(({ IsInfra }) => !IsInfra);
    const listed = new Set(containers.map(({ Id }) => Id));
    for (const [id, { info, readAtMs }] of this.#known) {
      if (!listed.has(id) && carries(info.labels, filter) && readAtMs < askedAtMs) this.#known.delete(id);
    }
    const infos = await Promise.all(containers.map((entry) => this.#infoOf(entry, options)));
    return infos.filter((info) => info !== undefined);
  }

  async inspect(id: string, options: CallOptions): Promise<ContainerInfo> {
    const container = await this.#readSettled(id, options);
    const known = this.#known.get(container.Id);
    // An end is told once: where nobody saw it, its time is ours.
    if (known?.version === versionOfInspected(container) && known.info.state.kind === 'exited') return known.info;
    const ended = isRevived(container) ? await this.#asItEnded(container, options) : container;
    const info = toContainerInfo(ended, (containerId) => this.#oomKills.has(containerId));
    const lost = info.state.kind === 'running' && this.#processes.areGone(container);
    return this.#keep(container, lost ? { ...info, state: unseenEnd(info.state, this.#clock.now()) } : info);
  }

  async inspectRaw(id: string, options: CallOptions): Promise<InspectedContainer> {
    const request = { method: 'GET', path: `/containers/${segment(id)}/json` } as const;
    try {
      return await this.#client.json(request, options);
    } catch (error) {
      // Podman fails to answer about a container whose process ends while it looks; asked again it knows of the end.
      if (!isEndingMeanwhile(error)) throw error;
      return await this.#client.json(request, options);
    }
  }

  /** From memory where the container was looked at before; it never changes. */
  async logPath(id: string, options: CallOptions): Promise<string> {
    return this.#known.get(id)?.logPath ?? logPathOf(await this.inspectRaw(id, options));
  }

  /** From memory likewise. */
  async writableLayer(id: string, options: CallOptions): Promise<string | undefined> {
    const known = this.#known.get(id);
    return known ? known.writableLayer : writableLayerOf(await this.inspectRaw(id, options));
  }

  async update(id: string, resources: Resources, options: CallOptions): Promise<void> {
    await this.#client.call(
      { method: 'POST', path: `/containers/${segment(id)}/update`, body: toUpdatedResources(resources) },
      options,
    );
  }

  /** What is known where it is still true, else what an inspect says; undefined where it is gone meanwhile. */
  async #infoOf(entry: ListedContainer, options: CallOptions): Promise<ContainerInfo | undefined> {
    const known = this.#known.get(entry.Id);
    if (known?.version === versionOfListed(entry)) {
      const lost = known.info.state.kind === 'running' && !this.#processes.mayRun(entry.Id, entry.Pid);
      if (!lost) return known.info;
    }
    try {
      return await this.inspect(entry.Id, options);
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Reads twice where the processes are gone: just ended, Podman says so when it is asked again. */
  async #readSettled(id: string, options: CallOptions): Promise<InspectedContainer> {
    const container = await this.inspectRaw(id, options);
    return isRunning(container) && this.#processes.areGone(container) ? await this.inspectRaw(id, options) : container;
  }

  /** Of how a revived container ended only Podman's events tell any more. */
  async #asItEnded(container: InspectedContainer, options: CallOptions): Promise<InspectedContainer> {
    const { Id, State: state } = container;
    const [code = -1] = await exitCodes(this.#client, { id: Id, since: state.StartedAt }, options);
    return { ...container, State: { ...state, ExitCode: code } };
  }

  /** Podman forgets why a container could not be started, and goes on calling it created. */
  async #noteFailedStart(id: string, error: string, options: CallOptions): Promise<void> {
    const container = await this.inspectRaw(id, options);
    const nowMs = this.#clock.now();
    this.#keep(container, {
      ...toContainerInfo(container, () => false),
      // containerd gives the same exit code.
      state: { kind: 'exited', startedAtMs: nowMs, finishedAtMs: nowMs, exitCode: 128, oomKilled: false, error },
    });
  }

  #keep(container: InspectedContainer, info: ContainerInfo): ContainerInfo {
    this.#known.set(info.id, {
      version: versionOfInspected(container),
      info,
      logPath: logPathOf(container),
      writableLayer: writableLayerOf(container),
      readAtMs: this.#clock.now(),
    });
    return info;
  }
}

function logPathOf({ HostConfig }: InspectedContainer): string {
  return HostConfig.LogConfig.Path;
}

function writableLayerOf({ GraphDriver }: InspectedContainer): string | undefined {
  return GraphDriver?.Data?.UpperDir;
}

/** The end of a container whose processes went without a word: killed together with the one that watched it. */
function unseenEnd({ startedAtMs }: { readonly startedAtMs: number }, nowMs: number): ContainerInfo['state'] {
  return { kind: 'exited', startedAtMs, finishedAtMs: nowMs, exitCode: unknownExitCode, oomKilled: false };
}

function isEndingMeanwhile(error: unknown): boolean {
  return hasCode(error, 'Internal') && /\/proc\/\d+\/.*no such (process|file)/.test(error.message);
}
