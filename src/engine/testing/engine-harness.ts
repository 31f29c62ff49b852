import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Container, type Pod, type PodSpec, podRef } from '../../kubernetes/objects.ts';
import type { PodEvent } from '../../podspec/pod-events.ts';
import type { PodReferences } from '../../podspec/references.ts';
import type { ObservedContainer, ObservedPod } from '../../podspec/status/observed.ts';
import type { Image, Runtime } from '../../runtime/runtime.ts';
import { type FakeProgram, FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import { isAbortOf } from '../../support/abort.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import type { FolderSize } from '../disk/measure-folders.ts';
import { Engine } from '../engine.ts';
import type { EngineContext } from '../engine-context.ts';

export const owner = { nodeName: 'node-a', clusterId: 'cluster-a' };
const { signal } = new AbortController();

export function fakeImage(name: string): Image {
  return { id: `id-of-${name}`, repoDigest: `${name}@sha256:0`, repoTags: [name], user: '', sizeBytes: 1000 };
}

/** References to nothing but what a test puts in. */
export function fakeReferences(): PodReferences & {
  readonly secrets: Map<string, Record<string, string>>;
  readonly configMaps: Map<string, Record<string, string>>;
} {
  const secrets = new Map<string, Record<string, string>>();
  const configMaps = new Map<string, Record<string, string>>();
  return {
    secrets,
    configMaps,
    async secret(namespace, name) {
      const data = secrets.get(name);
      const type = data?.['.dockerconfigjson'] === undefined ? 'Opaque' : 'kubernetes.io/dockerconfigjson';
      return data && { metadata: { namespace, name }, type, data };
    },
    async configMap(namespace, name) {
      const data = configMaps.get(name);
      return data && { metadata: { namespace, name }, data };
    },
    services: () => [],
    serviceAccountToken: async (_pod, { audience }) => ({ token: `token for ${audience}`, expiresAtMs: 0 }),
  };
}

export const app = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'app:1', ...more });

export const sidecar = (name: string): Container => app(name, { restartPolicy: 'Always' });

let serial = 0;

export function makePod(spec: PodSpec, metadata: Pod['metadata'] = {}): Pod {
  const uid = `uid-${++serial}`;
  return {
    metadata: { namespace: 'default', name: `pod-${serial}`, uid, ...metadata },
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, ...spec },
  };
}

/** An engine over a fake runtime, in a folder of its own, with time in the test's hands. */
export class EngineHarness {
  readonly clock = new FakeClock();
  readonly runtime = new FakeRuntime(this.clock);
  readonly rootDir = mkdtempSync(join(tmpdir(), 'engine-'));
  readonly references = fakeReferences();
  readonly events: PodEvent[] = [];
  readonly pushed: ObservedPod[] = [];
  /** What lies below a folder. */
  sizeOf: (path: string) => FolderSize = () => ({ bytes: 0, inodes: 1 });
  engine!: Engine;
  #stop = new AbortController();
  #run: Promise<void> = Promise.resolve();

  constructor() {
    for (const name of ['docker.io/library/app:1', 'docker.io/library/other:1']) {
      this.runtime.localImages.set(name, fakeImage(name));
    }
    this.start();
  }

  /** Makes an engine, as a new process of ours does; `runtime` may stand before the harness's own. */
  start(runtime: Runtime = this.runtime): void {
    const context: EngineContext = {
      runtime,
      owner,
      node: {
        ip: '10.0.0.1',
        clusterDomain: 'cluster.local',
        clusterDnsIp: '10.96.0.10',
        allocatable: async () => ({ cpu: '4', memory: '8Gi' }),
      },
      rootDir: this.rootDir,
      mounts: { mountMemory: async () => {}, bind: async () => {}, unmount: async () => {} },
      measureFolders: async (paths) => new Map(paths.map((path) => [path, this.sizeOf(path)])),
      references: this.references,
      recordEvent: (event) => void this.events.push(event),
      clock: this.clock,
      random: seededRandom(1),
      log: silentLogger,
    };
    this.engine = new Engine(context, {
      workers: 4,
      parallelPulls: 2,
      parallelStarts: 4,
      resyncMs: 60_000,
      logs: { maxBytes: 10 * 2 ** 20, maxFiles: 5 },
    });
    this.#stop = new AbortController();
    const stopped = this.#stop.signal;
    const observe = (pod: ObservedPod): void => {
      if (!stopped.aborted) this.pushed.push(pod);
    };
    this.#run = this.engine.run({ signal: stopped, observe }).catch((error: unknown) => {
      if (!isAbortOf(stopped, error)) throw error;
    });
  }

  /** Ends the engine as SIGTERM does. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#run;
  }

  /** Leaves the engine where it is, as kill -9 does; its runtime must not answer it any more. */
  abandon(): void {
    this.#stop.abort(new Error('killed'));
    this.#run = Promise.resolve();
  }

  async restart(runtime?: Runtime): Promise<void> {
    await this.stop();
    this.start(runtime);
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.rootDir, { recursive: true, force: true });
  }

  async create(spec: PodSpec, metadata: Pod['metadata'] = {}): Promise<Pod> {
    const pod = makePod(spec, metadata);
    await this.engine.createPod(pod, { signal });
    return pod;
  }

  async delete(pod: Pod, gracePeriodSeconds = 30): Promise<void> {
    await this.engine.deletePod(podRef(pod), { gracePeriodSeconds, signal });
  }

  async release(pod: Pod): Promise<void> {
    await this.engine.releasePod(podRef(pod), { signal });
  }

  /** What processes of containers do, by the container's name; the n-th attempt does the n-th thing, later ones the last. */
  play(programs: Readonly<Record<string, readonly FakeProgram[]>>): void {
    this.runtime.programs = ({ labels }) => {
      const script = programs[labels['io.kubernetes.container.name'] ?? ''] ?? [];
      return script[Math.min(Number(labels['virtual-kubelet.io/attempt']), script.length - 1)] ?? {};
    };
  }

  observed(pod: Pod): ObservedPod | undefined {
    return this.pushed.findLast(({ ref }) => ref.uid === podRef(pod).uid);
  }

  container(pod: Pod, name: string): ObservedContainer | undefined {
    return this.observed(pod)?.containers.find((each) => each.name === name);
  }

  /** What was told of a container last, in words: `running #1`, `terminated 3 Error #0`. */
  stateOf(pod: Pod, name: string): string {
    const { state, restartCount = 0 } = this.container(pod, name) ?? {};
    if (state?.kind === 'terminated') return `terminated ${state.exitCode} ${state.reason} #${restartCount}`;
    return state?.kind === 'waiting' ? `waiting ${state.reason} #${restartCount}` : `${state?.kind} #${restartCount}`;
  }

  /** Containers that were made, as `name_attempt`, in order. */
  made(): readonly string[] {
    return this.runtime.calls.flatMap((call) => /^createContainer vk_uid-\d+_(.*)$/.exec(call)?.[1] ?? []);
  }

  /** The newest container of this name, whatever its state. */
  idOf(pod: Pod, name: string): string {
    return (
      this.runtime.containers
        .filter(({ labels }) => labels['io.kubernetes.pod.uid'] === podRef(pod).uid)
        .findLast(({ labels }) => labels['io.kubernetes.container.name'] === name)?.id ?? ''
    );
  }

  /** Ids of running containers by the name in the spec. */
  runtimeIds(pod: Pod, name: string): readonly string[] {
    return this.runtime.running
      .filter(({ labels }) => labels['io.kubernetes.pod.uid'] === podRef(pod).uid)
      .filter(({ labels }) => labels['io.kubernetes.container.name'] === name)
      .map(({ id }) => id);
  }

  async untilRunning(pod: Pod, ...names: readonly string[]): Promise<void> {
    const wanted = names.length > 0 ? names : (pod.spec?.containers ?? []).map(({ name }) => name);
    await this.until(`${wanted} run`, () =>
      wanted.every((name) => this.container(pod, name)?.state.kind === 'running'),
    );
  }

  async untilWaiting(pod: Pod, name: string, reason: string): Promise<ObservedContainer> {
    await this.until(`${name} waits for ${reason}`, () => {
      const state = this.container(pod, name)?.state;
      return state?.kind === 'waiting' && state.reason === reason;
    });
    return this.container(pod, name) as ObservedContainer;
  }

  async untilEnded(pod: Pod): Promise<ObservedPod> {
    await this.until('the pod has ended', () => this.observed(pod)?.ended === true);
    return this.observed(pod) as ObservedPod;
  }

  /** Turns of the event loop until `is` holds; time stands still meanwhile. */
  async until(what: string, is: () => boolean): Promise<void> {
    const deadline = performance.now() + 5000;
    while (!is()) {
      if (performance.now() > deadline) {
        throw new Error(
          `not so within 5 s: ${what}\n${JSON.stringify(this.pushed.at(-1))}\n${this.runtime.calls.join('\n')}`,
        );
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Lets everything that goes on come to rest: so many milliseconds without a call to the runtime. */
  async settle(quietMs = 30): Promise<void> {
    for (let quiet = 0, calls = -1; quiet < quietMs; quiet++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.runtime.calls.length !== calls) quiet = 0;
      calls = this.runtime.calls.length;
    }
  }

  eventsOf(reason: string): readonly string[] {
    return this.events.filter((event) => event.reason === reason).map(({ message }) => message);
  }
}
