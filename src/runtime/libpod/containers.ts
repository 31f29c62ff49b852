import type { Clock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import type { CallOptions, ContainerInfo, LabelFilter, Resources } from '../runtime.ts';
import { type LibpodClient, segment, toFilters, toLabelFilter } from './client.ts';
import {
  type InspectedContainer,
  type ListedContainer,
  stateKind,
  toContainerInfo,
  unknownExitCode,
  versionOfInspected,
  versionOfListed,
} from './container-info.ts';
import type { ContainerProcesses } from './container-processes.ts';
import { toUpdatedResources } from './container-spec.ts';
import { carries } from './labels.ts';
import type { OomKills } from './oom-kills.ts';

interface Known {
  readonly version: string;
  readonly info: ContainerInfo;
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
   * inspected once for each state that it comes to, and not at each list.
   */
  readonly #known = new Map<string, Known>();
  /** Containers that could not be started. Podman forgets why, and calls them created. */
  readonly #failedStarts = new Map<string, ContainerInfo['state']>();

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

  async start(id: string, options: CallOptions): Promise<void> {
    try {
      await this.#client.call({ method: 'POST', path: `/containers/${segment(id)}/start` }, options);
      this.#failedStarts.delete(id);
    } catch (error) {
      if (hasCode(error, 'InvalidInput')) this.#failedStarts.set(id, failedStart(error.message, this.#clock.now()));
      this.#known.delete(id);
      throw error;
    }
  }

  async remove(id: string, options: CallOptions): Promise<void> {
    await this.#client.call(
      {
        method: 'DELETE',
        path: `/containers/${segment(id)}`,
        query: { force: true, ignore: true, timeout: 0, volumes: true },
      },
      options,
    );
    this.#forget(id);
  }

  async list(filter: LabelFilter, options: CallOptions): Promise<readonly ContainerInfo[]> {
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
    for (const [id, { info }] of this.#known) if (!listed.has(id) && carries(info.labels, filter)) this.#forget(id);
    const infos = await Promise.all(containers.map((entry) => this.#infoOf(entry, options)));
    return infos.filter((info) => info !== undefined);
  }

  async inspect(id: string, options: CallOptions): Promise<ContainerInfo> {
    const container = await this.#readSettled(id, options);
    const version = versionOfInspected(container);
    const known = this.#known.get(container.Id);
    // An end is told once: where nobody saw it, its time is ours.
    if (known?.version === version && known.info.state.kind === 'exited') return known.info;
    const info = this.#withHiddenEnd(container);
    this.#known.set(container.Id, { version, info });
    return info;
  }

  async inspectRaw(id: string, options: CallOptions): Promise<InspectedContainer> {
    return await this.#client.json({ method: 'GET', path: `/containers/${segment(id)}/json` }, options);
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
    return this.#isLost(container) ? await this.inspectRaw(id, options) : container;
  }

  #isLost(container: InspectedContainer): boolean {
    const kind = stateKind(container.State.Status, Date.parse(container.State.StartedAt));
    return kind === 'running' && this.#processes.areGone(container);
  }

  /** Adds the two ends that Podman does not tell: a start that failed, and processes that went unseen. */
  #withHiddenEnd(container: InspectedContainer): ContainerInfo {
    const info = toContainerInfo(container, (id) => this.#oomKills.has(id));
    const failedStart = this.#failedStarts.get(info.id);
    if (info.state.kind === 'created' && failedStart) return { ...info, state: failedStart };
    if (info.state.kind === 'running' && this.#isLost(container)) {
      const { startedAtMs } = info.state;
      const finishedAtMs = this.#clock.now();
      return {
        ...info,
        state: { kind: 'exited', startedAtMs, finishedAtMs, exitCode: unknownExitCode, oomKilled: false },
      };
    }
    return info;
  }

  #forget(id: string): void {
    this.#known.delete(id);
    this.#failedStarts.delete(id);
  }
}

/** The end of a container that could not be started; containerd gives it the same exit code. */
function failedStart(error: string, atMs: number): ContainerInfo['state'] {
  return { kind: 'exited', startedAtMs: atMs, finishedAtMs: atMs, exitCode: 128, oomKilled: false, error };
}
