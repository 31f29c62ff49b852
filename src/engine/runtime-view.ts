import type { PodRef } from '../kubernetes/objects.ts';
import type { CallOptions, ContainerInfo, Runtime, RuntimeEvent, Sandbox } from '../runtime/runtime.ts';
import { hasCode } from '../support/errors.ts';
import { type ActualPod, toActualPod } from './pod/actual-pod.ts';
import { type Owner, ownedBy, podOf } from './pod/labels.ts';

interface PodEntry {
  readonly ref: PodRef;
  readonly sandboxes: Map<string, Sandbox>;
  readonly containers: Map<string, ContainerInfo>;
  /** Ids of containers that have to be read again. */
  readonly staleContainers: Set<string>;
  sandboxesStale: boolean;
  /** Everything has to be read again. */
  stale: boolean;
}

/**
 * What the runtime has of our pods, as far as we know: filled by one list of everything, kept up by reading again what
 * events name. Nothing asks the runtime about a pod of which nothing was heard.
 */
export class RuntimeView {
  readonly #runtime: Runtime;
  readonly #owner: Owner;
  readonly #onChange: (uid: string) => void;
  readonly #pods = new Map<string, PodEntry>();
  /** Pods of which something was heard while a list is under way: the list may be older than that. */
  readonly #heardDuringList = new Set<string>();
  #listing = false;
  #lists: Promise<void> = Promise.resolve();

  /** `onChange` is told of each pod of which something was heard. It must not call back. */
  constructor(
    { runtime, owner }: { readonly runtime: Runtime; readonly owner: Owner },
    onChange: (uid: string) => void,
  ) {
    this.#runtime = runtime;
    this.#owner = owner;
    this.#onChange = onChange;
  }

  /** References of all pods of which the runtime has, or had a moment ago, something. */
  get refs(): readonly PodRef[] {
    return [...this.#pods.values()].map(({ ref }) => ref);
  }

  /** What is known of a pod; undefined for nothing. */
  get(uid: string): ActualPod | undefined {
    const entry = this.#pods.get(uid);
    return entry && toActualPod(entry.ref, entry.sandboxes.values(), entry.containers.values());
  }

  /** Ids of all containers that run, as far as is known. */
  *runningContainers(): Iterable<string> {
    for (const uid of this.#pods.keys()) yield* this.runningContainersOf(uid);
  }

  /** Those of one pod. */
  *runningContainersOf(uid: string): Generator<string, void> {
    for (const { id, state } of this.#pods.get(uid)?.containers.values() ?? []) if (state.kind === 'running') yield id;
  }

  hear(event: RuntimeEvent): void {
    const ref = podOf(event.labels);
    if (!ref) return;
    const entry = this.#entry(ref);
    if (event.containerId !== undefined) entry.staleContainers.add(event.containerId);
    else entry.sandboxesStale = true;
    this.#heard(ref.uid);
  }

  /** We changed a container ourselves. */
  touchContainer(ref: PodRef, id: string): void {
    this.#entry(ref).staleContainers.add(id);
    this.#heard(ref.uid);
  }

  touchSandboxes(ref: PodRef): void {
    this.#entry(ref).sandboxesStale = true;
    this.#heard(ref.uid);
  }

  /** Something went wrong halfway: nothing known of the pod is to be trusted. */
  distrust(ref: PodRef): void {
    this.#entry(ref).stale = true;
    this.#heard(ref.uid);
  }

  forget(uid: string): void {
    this.#pods.delete(uid);
    if (this.#listing) this.#heardDuringList.add(uid);
  }

  /** Reads again what is stale of one pod. Rejects as the runtime does, and what was stale stays so. */
  async refresh(uid: string, options: CallOptions): Promise<void> {
    const entry = this.#pods.get(uid);
    if (!entry) return;
    if (entry.stale) {
      entry.stale = false;
      await this.#retryLater(this.#readAll(entry, options), () => {
        entry.stale = true;
      });
    }
    if (entry.sandboxesStale) {
      entry.sandboxesStale = false;
      await this.#retryLater(this.#readSandboxes(entry, options), () => {
        entry.sandboxesStale = true;
      });
    }
    for (const id of [...entry.staleContainers]) {
      entry.staleContainers.delete(id);
      await this.#retryLater(this.#readContainer(entry, id, options), () => entry.staleContainers.add(id));
    }
  }

  /** Lists everything of ours and tells of each pod that has changed. One list at a time. */
  relist(options: CallOptions): Promise<void> {
    const list = this.#lists.then(() => this.#list(options));
    this.#lists = list.catch(() => {});
    return list;
  }

  async #list(options: CallOptions): Promise<void> {
    this.#listing = true;
    try {
      const filter = ownedBy(this.#owner);
      const [sandboxes, containers] = await Promise.all([
        this.#runtime.listSandboxes(filter, options),
        this.#runtime.listContainers(filter, options),
      ]);
      this.#replace(sandboxes, containers);
    } finally {
      this.#listing = false;
      this.#heardDuringList.clear();
    }
  }

  #replace(sandboxes: readonly Sandbox[], containers: readonly ContainerInfo[]): void {
    const listed = new Map<string, PodEntry>();
    for (const sandbox of sandboxes) entryFor(listed, sandbox.labels)?.sandboxes.set(sandbox.id, sandbox);
    for (const info of containers) entryFor(listed, info.labels)?.containers.set(info.id, info);
    for (const [uid, entry] of listed) {
      const known = this.#pods.get(uid);
      if (this.#heardDuringList.has(uid)) {
        // Newer things may be known already than those listed.
        if (known) known.stale = true;
      } else if (!known || !isSame(known, entry)) {
        this.#pods.set(uid, entry);
      } else {
        continue;
      }
      this.#onChange(uid);
    }
    for (const [uid, entry] of this.#pods) {
      if (listed.has(uid)) continue;
      if (this.#heardDuringList.has(uid)) entry.stale = true;
      else this.#pods.delete(uid);
      this.#onChange(uid);
    }
  }

  async #readAll(entry: PodEntry, options: CallOptions): Promise<void> {
    entry.staleContainers.clear();
    const filter = ownedBy(this.#owner, entry.ref.uid);
    const [containers] = await Promise.all([
      this.#runtime.listContainers(filter, options),
      this.#readSandboxes(entry, options),
    ]);
    entry.containers.clear();
    for (const info of containers) entry.containers.set(info.id, info);
  }

  async #readSandboxes(entry: PodEntry, options: CallOptions): Promise<void> {
    const sandboxes = await this.#runtime.listSandboxes(ownedBy(this.#owner, entry.ref.uid), options);
    entry.sandboxes.clear();
    for (const sandbox of sandboxes) entry.sandboxes.set(sandbox.id, sandbox);
  }

  async #readContainer(entry: PodEntry, id: string, options: CallOptions): Promise<void> {
    try {
      entry.containers.set(id, await this.#runtime.inspectContainer(id, options));
    } catch (error) {
      if (!hasCode(error, 'NotFound')) throw error;
      entry.containers.delete(id);
    }
  }

  async #retryLater(read: Promise<void>, markStale: () => void): Promise<void> {
    try {
      await read;
    } catch (error) {
      markStale();
      throw error;
    }
  }

  #entry(ref: PodRef): PodEntry {
    const entry = this.#pods.get(ref.uid) ?? emptyEntry(ref);
    this.#pods.set(ref.uid, entry);
    return entry;
  }

  #heard(uid: string): void {
    if (this.#listing) this.#heardDuringList.add(uid);
    this.#onChange(uid);
  }
}

function emptyEntry(ref: PodRef): PodEntry {
  return {
    ref,
    sandboxes: new Map(),
    containers: new Map(),
    staleContainers: new Set(),
    sandboxesStale: false,
    stale: false,
  };
}

function entryFor(pods: Map<string, PodEntry>, labels: Readonly<Record<string, string>>): PodEntry | undefined {
  const ref = podOf(labels);
  if (!ref) return undefined;
  const entry = pods.get(ref.uid) ?? emptyEntry(ref);
  pods.set(ref.uid, entry);
  return entry;
}

function isSame(known: PodEntry, listed: PodEntry): boolean {
  return (
    known.sandboxes.size === listed.sandboxes.size &&
    known.containers.size === listed.containers.size &&
    [...listed.sandboxes].every(([id, sandbox]) => known.sandboxes.get(id)?.ready === sandbox.ready) &&
    [...listed.containers].every(([id, { state }]) => known.containers.get(id)?.state.kind === state.kind)
  );
}
