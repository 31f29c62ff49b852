import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
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
} from '../runtime.ts';
import { EventFan } from './event-fan.ts';

/** How the process in a container behaves. */
export interface FakeProgram {
  /** Ends by itself after this long; stays until stopped where left out. */
  readonly exitAfterMs?: number;
  /** Exit code of that end. Default 0. */
  readonly exitCode?: number;
  /** How long it takes to end after SIGTERM; Infinity ignores it. Default 0. */
  readonly termMs?: number;
  /** Exit code after SIGTERM. Default 143. */
  readonly termExitCode?: number;
  /** It cannot be started at all, for this reason. */
  readonly startError?: string;
}

export interface FakeExecResult {
  readonly exitCode: number;
  readonly stdout?: string;
}

interface FakeContainer {
  readonly spec: ContainerSpec;
  info: ContainerInfo;
  /** What its process does, once it was started. */
  program?: FakeProgram;
  /** When SIGKILL falls due, where it is being stopped. */
  killAtMs?: number;
}

/** Methods of the contract that can be made to fail. */
export type FakeCall = Exclude<keyof Runtime, 'name' | 'events'>;

/**
 * A runtime in memory. Processes do what `programs` says of them, or what a test tells them to (`exit`); time is the
 * clock's. `failNext` makes a call fail before it has any effect, `goDown` the whole service unreachable.
 */
export class FakeRuntime implements Runtime {
  readonly name = 'fake';
  /** Every call as `method argument`, in order. */
  readonly calls: string[] = [];
  readonly localImages = new Map<string, Image>();
  /** What a pull of a reference gives: an image or an error. */
  readonly registry = new Map<string, Image | Error>();
  /** With what each image was asked for, in order. */
  readonly pulledWith: (RegistryCredentials | undefined)[] = [];
  /** How a container's process behaves, by its name. */
  programs: (spec: ContainerSpec) => FakeProgram = () => ({});
  /** What an exec answers. */
  onExec: (id: string, command: readonly string[]) => Promise<FakeExecResult> = async () => ({ exitCode: 0 });
  /** Pulls wait for this. */
  beforePull: (reference: string) => Promise<void> = async () => {};

  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #sandboxSpecs = new Map<string, SandboxSpec>();
  readonly #containers = new Map<string, FakeContainer>();
  readonly #faults = new Map<FakeCall, Error[]>();
  readonly #events = new EventFan<RuntimeEvent>();
  #down: Error | undefined;
  #serial = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lets the next call of `method` fail without effect; several queue up. */
  failNext(method: FakeCall, error: Error): void {
    this.#faults.set(method, [...(this.#faults.get(method) ?? []), error]);
  }

  /** The service stops answering and event streams break; containers live on. */
  goDown(): void {
    this.#down = new CodedError('Unavailable', 'the fake runtime is down');
    this.#events.break(this.#down);
  }

  comeBack(): void {
    this.#down = undefined;
  }

  /** Breaks event streams once, and nothing else. */
  breakEvents(): void {
    this.#events.break(new CodedError('Unavailable', 'the event stream broke'));
  }

  /** The process of a running container ends. */
  exit(id: string, exitCode: number, options: { readonly oomKilled?: boolean } = {}): void {
    const container = this.#container(id);
    const { state } = container.info;
    if (state.kind !== 'running') throw new Error(`${container.info.name} is ${state.kind}, it cannot exit`);
    this.#end(container, { exitCode, oomKilled: options.oomKilled ?? false });
  }

  /** The sandbox's own process dies: its network is gone, its containers are not. */
  breakSandbox(id: string): void {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new Error(`there is no sandbox ${id}`);
    this.#sandboxes.set(id, { ...sandbox, ready: false, ips: [] });
    this.#emitSandbox(sandbox, 'died');
  }

  /** The machine starts anew: nothing runs any more, what was is kept, as Podman keeps it. */
  reboot(): void {
    for (const container of this.#containers.values()) {
      if (container.info.state.kind === 'running') this.#end(container, { exitCode: 137, oomKilled: false });
    }
    for (const { id } of [...this.#sandboxes.values()]) this.breakSandbox(id);
  }

  /** Somebody removes a container behind our back. */
  vanish(id: string): void {
    const { info } = this.#container(id);
    this.#containers.delete(id);
    this.#emitContainer(info, 'remove');
  }

  get containers(): readonly ContainerInfo[] {
    return [...this.#containers.values()].map(({ info }) => info);
  }

  get running(): readonly ContainerInfo[] {
    return this.containers.filter(({ state }) => state.kind === 'running');
  }

  get sandboxes(): readonly Sandbox[] {
    return [...this.#sandboxes.values()];
  }

  specOf(id: string): ContainerSpec {
    return this.#container(id).spec;
  }

  sandboxSpecOf(id: string): SandboxSpec {
    const spec = this.#sandboxSpecs.get(id);
    if (!spec) throw new Error(`there is no sandbox ${id}`);
    return spec;
  }

  async version(options: CallOptions): Promise<RuntimeVersion> {
    await this.#enter('version', '', options);
    return {
      name: 'fake',
      version: '1.0.0',
      architecture: 'amd64',
      operatingSystem: 'linux',
      osImage: 'Fake OS',
      kernelVersion: '6.0.0',
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      storageBytes: 100 * 2 ** 30,
    };
  }

  async runSandbox(spec: SandboxSpec, options: CallOptions): Promise<Sandbox> {
    await this.#enter('runSandbox', spec.name, options);
    if (this.sandboxes.some(({ name }) => name === spec.name)) {
      throw new CodedError('AlreadyExists', `a sandbox named ${spec.name} exists`);
    }
    const serial = ++this.#serial;
    const sandbox: Sandbox = {
      id: `sandbox-${serial}`,
      name: spec.name,
      labels: spec.labels,
      ready: true,
      ips: spec.hostNetwork ? [] : [`10.88.${serial >> 8}.${serial & 255}`],
      createdAtMs: this.#clock.now(),
    };
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#sandboxSpecs.set(sandbox.id, spec);
    this.#emitSandbox(sandbox, 'start');
    return sandbox;
  }

  async listSandboxes(filter: LabelFilter, options: CallOptions): Promise<readonly Sandbox[]> {
    await this.#enter('listSandboxes', '', options);
    return this.sandboxes.filter(({ labels }) => matches(labels, filter));
  }

  async stopSandbox(id: string, options: CallOptions): Promise<void> {
    await this.#enter('stopSandbox', id, options);
    if (this.#sandboxes.get(id)?.ready) this.breakSandbox(id);
  }

  async removeSandbox(id: string, options: CallOptions): Promise<void> {
    await this.#enter('removeSandbox', id, options);
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    for (const { info } of [...this.#containers.values()]) if (info.sandboxId === id) this.#remove(info.id);
    this.#sandboxes.delete(id);
    this.#sandboxSpecs.delete(id);
    this.#emitSandbox(sandbox, 'remove');
  }

  async createContainer(spec: ContainerSpec, options: CallOptions): Promise<string> {
    await this.#enter('createContainer', spec.name, options);
    if (this.containers.some(({ name }) => name === spec.name)) {
      throw new CodedError('AlreadyExists', `a container named ${spec.name} exists`);
    }
    if (!this.#sandboxes.get(spec.sandboxId)?.ready) {
      throw new CodedError('NotFound', `sandbox ${spec.sandboxId} is not ready`);
    }
    const image = [...this.localImages].find(([, { id }]) => id === spec.imageId);
    if (!image) throw new CodedError('NotFound', `image ${spec.imageId} is not in the local store`);
    const info: ContainerInfo = {
      id: `container-${++this.#serial}`,
      name: spec.name,
      sandboxId: spec.sandboxId,
      labels: spec.labels,
      image: image[0],
      imageId: spec.imageId,
      createdAtMs: this.#clock.now(),
      state: { kind: 'created' },
    };
    this.#containers.set(info.id, { spec, info });
    this.#emitContainer(info, 'create');
    return info.id;
  }

  async startContainer(id: string, options: CallOptions): Promise<void> {
    await this.#enter('startContainer', id, options);
    const container = this.#container(id);
    if (container.info.state.kind === 'running') return;
    if (container.info.state.kind === 'exited') throw new CodedError('Conflict', `${id} has ended`);
    if (!this.#sandboxes.get(container.info.sandboxId)?.ready) {
      throw new CodedError('Internal', `sandbox ${container.info.sandboxId} has no network`);
    }
    const program = this.programs(container.spec);
    container.program = program;
    const nowMs = this.#clock.now();
    if (program.startError !== undefined) {
      this.#setState(container, {
        kind: 'exited',
        startedAtMs: nowMs,
        finishedAtMs: nowMs,
        exitCode: 127,
        oomKilled: false,
        error: program.startError,
      });
      throw new CodedError('InvalidInput', program.startError);
    }
    this.#setState(container, { kind: 'running', startedAtMs: nowMs, pid: ++this.#serial });
    this.#emitContainer(container.info, 'start');
    if (program.exitAfterMs !== undefined) {
      const run = container.info.state;
      this.#after(program.exitAfterMs, () => {
        if (container.info.state === run) this.exit(id, program.exitCode ?? 0);
      });
    }
  }

  async stopContainer(id: string, graceSeconds: number, options: CallOptions): Promise<void> {
    await this.#enter('stopContainer', `${id} ${graceSeconds}`, options);
    const container = this.#container(id);
    const run = container.info.state;
    if (run.kind !== 'running') return;
    const { program = {} } = container;
    const killAtMs = this.#clock.now() + graceSeconds * 1000;
    const end = (exitCode: number) => (): void => {
      if (container.info.state === run) this.exit(id, exitCode);
    };
    const termMs = program.termMs ?? 0;
    if (container.killAtMs === undefined && graceSeconds > 0 && Number.isFinite(termMs)) {
      this.#after(termMs, end(program.termExitCode ?? 143));
    }
    container.killAtMs = Math.min(container.killAtMs ?? Number.POSITIVE_INFINITY, killAtMs);
    this.#after(graceSeconds * 1000, end(137));
    await this.#ended(container, run, options.signal);
  }

  async removeContainer(id: string, options: CallOptions): Promise<void> {
    await this.#enter('removeContainer', id, options);
    if (this.#containers.has(id)) this.#remove(id);
  }

  async listContainers(filter: LabelFilter, options: CallOptions): Promise<readonly ContainerInfo[]> {
    await this.#enter('listContainers', '', options);
    return this.containers.filter(({ labels }) => matches(labels, filter));
  }

  async inspectContainer(id: string, options: CallOptions): Promise<ContainerInfo> {
    await this.#enter('inspectContainer', id, options);
    return this.#container(id).info;
  }

  async updateResources(id: string, _resources: Resources, options: CallOptions): Promise<void> {
    await this.#enter('updateResources', id, options);
    this.#container(id);
  }

  async findImage(reference: string, options: CallOptions): Promise<Image | undefined> {
    await this.#enter('findImage', reference, options);
    return this.localImages.get(reference);
  }

  async pullImage(
    reference: string,
    options: CallOptions & { readonly credentials?: RegistryCredentials },
  ): Promise<Image> {
    await this.#enter('pullImage', reference, options);
    this.pulledWith.push(options.credentials);
    await this.beforePull(reference);
    const answer = this.registry.get(reference) ?? new CodedError('NotFound', `manifest for ${reference} not found`);
    if (answer instanceof Error) throw answer;
    this.localImages.set(reference, answer);
    return answer;
  }

  async exec(
    id: string,
    request: { readonly command: readonly string[]; readonly maxOutputBytes: number },
    options: CallOptions,
  ): Promise<{ readonly exitCode: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }> {
    await this.#enter('exec', `${id} ${request.command.join(' ')}`, options);
    const { exitCode, stdout = '' } = await orAborted(this.onExec(id, request.command), options.signal);
    return { exitCode, stdout: Buffer.from(stdout), stderr: new Uint8Array() };
  }

  async logPath(id: string, options: CallOptions): Promise<string> {
    await this.#enter('logPath', id, options);
    this.#container(id);
    return `/var/log/fake/${id}.log`;
  }

  async writableLayer(id: string, options: CallOptions): Promise<string | undefined> {
    await this.#enter('writableLayer', id, options);
    this.#container(id);
    return `/var/lib/fake/overlay/${id}/diff`;
  }

  /** Nobody writes logs here. */
  async reopenLog(id: string, options: CallOptions): Promise<void> {
    await this.#enter('reopenLog', id, options);
    this.#container(id);
  }

  async *events(filter: LabelFilter, options: CallOptions): AsyncGenerator<RuntimeEvent, void> {
    if (this.#down) throw this.#down;
    for await (const event of this.#events.listen(options.signal)) if (matches(event.labels, filter)) yield event;
  }

  async #enter(method: FakeCall, argument: string, { signal }: CallOptions): Promise<void> {
    signal.throwIfAborted();
    this.calls.push(argument === '' ? method : `${method} ${argument}`);
    if (this.#down) throw this.#down;
    const fault = this.#faults.get(method)?.shift();
    if (fault) throw fault;
  }

  /** What takes no time happens though the clock stands. */
  #after(delayMs: number, callback: () => void): void {
    if (delayMs === 0) callback();
    else this.#clock.after(delayMs, callback);
  }

  #container(id: string): FakeContainer {
    const container = this.#containers.get(id);
    if (!container) throw new CodedError('NotFound', `there is no container ${id}`);
    return container;
  }

  #end(container: FakeContainer, how: { readonly exitCode: number; readonly oomKilled: boolean }): void {
    const { state } = container.info;
    const startedAtMs = state.kind === 'running' ? state.startedAtMs : this.#clock.now();
    this.#setState(container, { kind: 'exited', startedAtMs, finishedAtMs: this.#clock.now(), ...how });
    this.#emitContainer(container.info, 'died');
  }

  #remove(id: string): void {
    const container = this.#container(id);
    if (container.info.state.kind === 'running') this.#end(container, { exitCode: 137, oomKilled: false });
    this.#containers.delete(id);
    this.#emitContainer(container.info, 'remove');
  }

  #setState(container: FakeContainer, state: ContainerInfo['state']): void {
    container.info = { ...container.info, state };
    for (const wake of this.#waiting.splice(0)) wake();
  }

  readonly #waiting: (() => void)[] = [];

  /** Resolves when the container's run is over; rejects where the caller gives up. */
  async #ended(container: FakeContainer, run: ContainerInfo['state'], signal: AbortSignal): Promise<void> {
    while (container.info.state === run) {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        this.#waiting.push(() => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        });
      });
    }
  }

  #emitContainer(info: ContainerInfo, action: string): void {
    this.#events.emit({ containerId: info.id, sandboxId: info.sandboxId, labels: info.labels, action });
  }

  #emitSandbox(sandbox: Sandbox, action: string): void {
    this.#events.emit({ sandboxId: sandbox.id, labels: sandbox.labels, action });
  }
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([promise, aborted]);
}

function matches(labels: Readonly<Record<string, string>>, filter: LabelFilter): boolean {
  return Object.entries(filter).every(([key, value]) => labels[key] === value);
}
