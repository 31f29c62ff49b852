import type { Duplex } from 'node:stream';
import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import type {
  CallOptions,
  ContainerInfo,
  ContainerSpec,
  Image,
  LabelFilter,
  RegistryCredentials,
  Resources,
  Runtime,
  RuntimeEvent,
  RuntimeVersion,
  Sandbox,
  SandboxSpec,
  Ulimit,
} from '../runtime.ts';
import type { CommandRequest, ContainerSessions, SessionStreams } from '../sessions.ts';
import { LibpodClient } from './client.ts';
import { isRunning } from './container-info.ts';
import { askToReopenLog } from './container-log.ts';
import { ContainerProcesses } from './container-processes.ts';
import { toSpecGenerator } from './container-spec.ts';
import { Containers } from './containers.ts';
import { watchEvents } from './events.ts';
import { type ExecRequest, type ExecResult, exec } from './exec.ts';
import type { ExecDeps } from './exec-session.ts';
import { ExitFiles } from './exit-files.ts';
import { findImage, pullImage } from './images.ts';
import { Dialers } from './network/dialers.ts';
import { makesPipes, ociExec } from './oci-exec.ts';
import { ociRuntimeOf } from './oci-runtime.ts';
import { KernelLogOomKills, type OomKills } from './oom-kills.ts';
import { lowestOomScoreAdj } from './oom-score.ts';
import { Sandboxes } from './sandboxes.ts';
import { attach, runCommand } from './sessions.ts';
import { Stops } from './stops.ts';
import { Turns } from './turns.ts';
import { withEveryContainers } from './ulimits.ts';
import { Version } from './version.ts';

export interface LibpodRuntimeOptions {
  /** Of Podman's service; its machine is ours. */
  readonly socketPath: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Containers by Podman, through the REST API of its service (libpod, Podman 4.3 and later). Podman and its containers
 * must be on this machine: logs, OOM kills and mounts are read and made here.
 */
export class LibpodRuntime implements Runtime, ContainerSessions {
  readonly name = 'podman';
  readonly #client: LibpodClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #oomKills: OomKills;
  readonly #containers: Containers;
  readonly #sandboxes: Sandboxes;
  readonly #stops: Stops;
  readonly #version: Version;
  readonly #execDeps: ExecDeps;
  readonly #dialers: Dialers;
  readonly #processes = new ContainerProcesses();
  /** Undefined until a container wants less than 0. */
  #lowestOomScoreAdj: number | undefined;

  constructor({ socketPath, clock, log }: LibpodRuntimeOptions) {
    this.#clock = clock;
    this.#log = log;
    const client = new LibpodClient(socketPath);
    this.#client = client;
    this.#oomKills = new KernelLogOomKills({ log });
    const containers = new Containers({ client, clock, oomKills: this.#oomKills, processes: this.#processes });
    this.#containers = containers;
    this.#sandboxes = new Sandboxes(client);
    this.#stops = new Stops({ client, containers, clock });
    this.#version = new Version({ client, clock });
    this.#execDeps = { client, clock, exitFiles: new ExitFiles(client), turns: new Turns() };
    this.#dialers = new Dialers(clock);
  }

  version(options: CallOptions): Promise<RuntimeVersion> {
    return this.#version.read(options);
  }

  runSandbox(spec: SandboxSpec, options: CallOptions): Promise<Sandbox> {
    return this.#sandboxes.run(spec, options);
  }

  listSandboxes(filter: LabelFilter, options: CallOptions): Promise<readonly Sandbox[]> {
    return this.#sandboxes.list(filter, options);
  }

  stopSandbox(id: string, options: CallOptions): Promise<void> {
    return this.#sandboxes.stop(id, options);
  }

  removeSandbox(id: string, options: CallOptions): Promise<void> {
    return this.#sandboxes.remove(id, options);
  }

  async createContainer(spec: ContainerSpec, options: CallOptions): Promise<string> {
    const { infraId, dns } = await this.#sandboxes.settings(spec.sandboxId, options);
    const oomScoreAdj = spec.resources.oomScoreAdj ?? 0;
    const resources =
      oomScoreAdj < 0
        ? { ...spec.resources, oomScoreAdj: Math.max(oomScoreAdj, await this.#lowestOomScore(infraId, options)) }
        : spec.resources;
    const ulimits = spec.ulimits?.length ? await this.#ulimits(spec.ulimits, infraId, options) : [];
    return await this.#containers.create(
      toSpecGenerator({ ...spec, resources, ...(ulimits.length > 0 ? { ulimits } : {}) }, dns),
      options,
    );
  }

  async startContainer(id: string, options: CallOptions): Promise<void> {
    const { state, sandboxId } = await this.#containers.inspect(id, options);
    if (state.kind === 'running') return;
    if (state.kind === 'exited') throw new CodedError('Conflict', `container ${id} has ended, it is not started again`);
    await this.#sandboxes.assertReady(sandboxId, options);
    await this.#containers.start(id, options);
  }

  stopContainer(id: string, graceSeconds: number, options: CallOptions): Promise<void> {
    return this.#stops.stop(id, graceSeconds, options);
  }

  removeContainer(id: string, options: CallOptions): Promise<void> {
    return this.#containers.remove(id, options);
  }

  listContainers(filter: LabelFilter, options: CallOptions): Promise<readonly ContainerInfo[]> {
    return this.#containers.list(filter, options);
  }

  inspectContainer(id: string, options: CallOptions): Promise<ContainerInfo> {
    return this.#containers.inspect(id, options);
  }

  updateResources(id: string, resources: Resources, options: CallOptions): Promise<void> {
    return this.#containers.update(id, resources, options);
  }

  findImage(reference: string, options: CallOptions): Promise<Image | undefined> {
    return findImage(this.#client, reference, options);
  }

  pullImage(reference: string, options: CallOptions & { readonly credentials?: RegistryCredentials }): Promise<Image> {
    return pullImage(this.#client, reference, options);
  }

  exec(id: string, request: ExecRequest, { signal }: CallOptions): Promise<ExecResult> {
    return exec(this.#execDeps, id, { ...request, signal });
  }

  async runCommand(id: string, request: CommandRequest, session: SessionStreams & CallOptions) {
    const { tty, user, command } = request;
    if (session.stdin !== undefined && !tty && user === undefined) {
      const container = await this.#containers.inspectRaw(id, session);
      if (!isRunning(container)) throw new CodedError('Conflict', `container ${id} does not run`);
      const runtime = ociRuntimeOf(container);
      if (runtime !== undefined && makesPipes(runtime))
        return await ociExec(runtime, container.Id, { command, ...session });
    }
    return await runCommand(this.#execDeps, id, { ...request, ...session });
  }

  attach(id: string, { tty }: { readonly tty: boolean }, session: SessionStreams & CallOptions): Promise<void> {
    return attach({ ...this.#execDeps, containers: this.#containers }, id, { tty, ...session });
  }

  connect(sandboxId: string, port: number, { signal }: CallOptions): Promise<Duplex> {
    const findNamespace = async (): Promise<string> => {
      const { infraId } = await this.#sandboxes.settings(sandboxId, { signal });
      const { State } = await this.#containers.inspectRaw(infraId, { signal });
      if (State.Pid === 0 || !this.#processes.mayRun(infraId, State.Pid)) {
        throw new CodedError('Conflict', `sandbox ${sandboxId} is not up: nobody listens in it`);
      }
      return `/proc/${State.Pid}/ns/net`;
    };
    return this.#dialers.connect(sandboxId, port, { signal, findNamespace });
  }

  logPath(id: string, options: CallOptions): Promise<string> {
    return this.#containers.logPath(id, options);
  }

  writableLayer(id: string, options: CallOptions): Promise<string | undefined> {
    return this.#containers.writableLayer(id, options);
  }

  async reopenLog(id: string, options: CallOptions): Promise<void> {
    await askToReopenLog(await this.#containers.inspectRaw(id, options));
  }

  events(filter: LabelFilter, options: CallOptions): AsyncIterable<RuntimeEvent> {
    return watchEvents({ client: this.#client, clock: this.#clock }, filter, options);
  }

  /** Cuts what is under way; the containers are left alone. */
  async close(): Promise<void> {
    this.#oomKills.close();
    await this.#dialers.close();
    await this.#client.close();
  }

  async #ulimits(asked: readonly Ulimit[], infraId: string, options: CallOptions): Promise<readonly Ulimit[]> {
    const { State } = await this.#containers.inspectRaw(infraId, options);
    return State.Pid === 0 ? asked : withEveryContainers(asked, State.Pid);
  }

  async #lowestOomScore(infraId: string, options: CallOptions): Promise<number> {
    if (this.#lowestOomScoreAdj !== undefined) return this.#lowestOomScoreAdj;
    const { State } = await this.#containers.inspectRaw(infraId, options);
    const lowest = State.ConmonPid === undefined ? -1000 : lowestOomScoreAdj(State.ConmonPid);
    if (lowest > -1000) {
      this.#log.warn('Podman lacks CAP_SYS_RESOURCE: containers are not protected from the OOM killer as asked', {
        lowestOomScoreAdj: lowest,
      });
    }
    this.#lowestOomScoreAdj = lowest;
    return lowest;
  }
}
