import type { CallOptions } from '../runtime/runtime.ts';
import { messageOf } from '../support/errors.ts';
import { type DiskSize, DiskSizes, type MeasuredFolder } from './disk/disk-sizes.ts';
import { noteEviction } from './disk/pod-folder.ts';
import { layerFolder, volumeFolders } from './disk/pod-folders.ts';
import { hasStorageLimits, type StorageUse, storageExcess } from './disk/storage-limits.ts';
import type { EngineContext } from './engine-context.ts';
import type { LogSize } from './logs/log-sizes.ts';
import { runningAttempts } from './pod/actual-pod.ts';
import type { PodMemory } from './pod/pod-memory.ts';
import type { RuntimeView } from './runtime-view.ts';

/** What a volume takes. */
export interface VolumeSize extends DiskSize {
  readonly name: string;
  /** It takes of the disk that pods share, not of memory. */
  readonly isOnDisk: boolean;
}

export interface PodStorageOptions {
  readonly context: Pick<EngineContext, 'runtime' | 'rootDir' | 'measureFolders' | 'clock' | 'log'>;
  readonly view: RuntimeView;
  readonly pods: ReadonlyMap<string, PodMemory>;
  readonly logSize: (container: string) => LogSize | undefined;
  /** Told of a pod that has to end, which its memory says from then on. */
  readonly onEvicted: (uid: string) => void;
}

/** What pods take of the disk, looked at again and again; those that take more than they may are to end. */
export class PodStorage {
  readonly #options: PodStorageOptions;
  readonly #sizes: DiskSizes;

  constructor(options: PodStorageOptions) {
    const { measureFolders: measure, clock, log } = options.context;
    this.#options = options;
    this.#sizes = new DiskSizes({ measure, clock, log });
  }

  /** Runs until the signal aborts. */
  run({ signal }: CallOptions): Promise<void> {
    return this.#sizes.run((options) => this.#folders(options), { signal, onMeasured: () => this.#evict() });
  }

  /** What a running container has written over its image, as it was measured last; undefined before the first time. */
  layerSize(container: string): DiskSize | undefined {
    return this.#sizes.of(container);
  }

  /** What is in the pod's own volumes, likewise. */
  volumeSizes(uid: string): readonly VolumeSize[] {
    const pod = this.#options.pods.get(uid)?.pod;
    if (pod === undefined) return [];
    return volumeFolders(this.#options.context.rootDir, pod).flatMap(({ key, name, isOnDisk }) => {
      const size = this.#sizes.of(key);
      return size === undefined ? [] : [{ name, isOnDisk, ...size }];
    });
  }

  async #folders(options: CallOptions): Promise<readonly MeasuredFolder[]> {
    const { context, view, pods } = this.#options;
    const folders: MeasuredFolder[] = [];
    for (const [uid, { pod }] of pods) {
      const isLimited = hasStorageLimits(pod);
      folders.push(...volumeFolders(context.rootDir, pod).map((folder) => ({ ...folder, isLimited })));
      for (const id of view.runningContainersOf(uid)) {
        // It has just ended, or the runtime is away: the next time is soon.
        const path = await context.runtime.writableLayer(id, options).catch(() => undefined);
        if (path !== undefined) folders.push({ ...layerFolder(id, path), isLimited });
      }
    }
    return folders;
  }

  /** As kubelet's eviction manager does (`localStorageEviction`). */
  async #evict(): Promise<void> {
    const { context, pods, view } = this.#options;
    for (const [uid, memory] of pods) {
      if (memory.eviction !== undefined || !memory.isInHand || !hasStorageLimits(memory.pod)) continue;
      // What has ended does not write any more, and has its own outcome.
      if (view.runningContainersOf(uid).next().done) continue;
      const excess = storageExcess(memory.pod, this.#use(uid));
      if (excess === undefined) continue;
      // Before anything of it ends: what is left of it then may be within all limits. On a full disk it is evicted all the same.
      await noteEviction(context.rootDir, uid, excess).catch((error: unknown) =>
        context.log.warn('that a pod is evicted could not be written down', { uid, why: messageOf(error) }),
      );
      memory.eviction = excess;
      this.#options.onEvicted(uid);
    }
  }

  #use(uid: string): StorageUse {
    const actual = this.#options.view.get(uid);
    const containers = new Map<string, number>();
    for (const { id, name } of actual === undefined ? [] : runningAttempts(actual)) {
      const layer = this.layerSize(id)?.bytes;
      if (layer !== undefined) containers.set(name, layer + (this.#options.logSize(id)?.bytes ?? 0));
    }
    const onDisk = this.volumeSizes(uid).filter(({ isOnDisk }) => isOnDisk);
    return { containers, volumes: new Map(onDisk.map(({ name, bytes }) => [name, bytes])) };
  }
}
