import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { CrashingRuntime } from './testing/crashing-runtime.ts';
import { app, EngineHarness, makePod } from './testing/engine-harness.ts';

const { signal } = new AbortController();

const uidLabel = 'io.kubernetes.pod.uid';
const nameLabel = 'io.kubernetes.container.name';

/** A cluster in small: what it wants, what happens to it, and what must never be. */
class World {
  readonly harness = new EngineHarness();
  readonly #random: Random;
  readonly #wanted = new Set<Pod>();
  readonly #deleted = new Set<Pod>();
  /** How often each container has ended by itself. */
  readonly #ends = new Map<string, number>();
  #process: CrashingRuntime;

  constructor(random: Random) {
    this.#random = random;
    const { runtime } = this.harness;
    runtime.programs = ({ labels }) => {
      assert.equal(this.#running(labels[uidLabel] ?? '', labels[nameLabel] ?? '').length, 0, 'one of a name at a time');
      return labels['virtual-kubelet.io/role'] === 'init' ? { exitAfterMs: 500 } : { termMs: 1000 };
    };
    this.#process = this.#newProcess();
  }

  #newProcess(): CrashingRuntime {
    const { runtime, clock } = this.harness;
    return new CrashingRuntime(runtime, (carryOut) => void clock.after(this.#random() * 3000, carryOut));
  }

  async start(): Promise<void> {
    await this.harness.restart(this.#process.runtime);
  }

  /** One thing happens, and the process may be killed at any call from now on. */
  async step(): Promise<void> {
    if (this.#chance(0.6)) {
      const lastCall = this.#pick(['lost', 'done', 'late'] as const) ?? 'lost';
      this.#process.arm(1 + Math.floor(this.#random() * 8), lastCall);
    }
    const what = this.#random();
    if (what < 0.3) await this.#create();
    else if (what < 0.5) await this.#delete();
    else if (what < 0.8) this.#endSomething();
    await this.#pass(this.#chance(0.3) ? 30_000 : 1000);
    if (this.#process.isDead) await this.#startAnew();
    await this.#releaseEnded();
  }

  /** Leaves the world in peace until it is as it should be. */
  async rest(): Promise<void> {
    this.#process.arm(Number.POSITIVE_INFINITY, 'lost');
    for (let round = 0; round < 12; round++) {
      await this.#pass(60_000);
      await this.#releaseEnded();
    }
  }

  check(): void {
    this.#checkRestartCountsNeverFall();
    for (const pod of this.#wanted) {
      for (const { name } of pod.spec?.containers ?? []) {
        const where = `${podRef(pod).uid} ${name}`;
        assert.equal(this.#running(podRef(pod).uid, name).length, 1, `${where} runs`);
        const observed = this.harness.container(pod, name);
        assert.equal(observed?.state.kind, 'running', where);
        assert.equal(observed?.restartCount, this.#ends.get(where) ?? 0, `${where}: one restart for each end`);
      }
    }
    const uids = new Set([...this.#wanted].map((pod) => podRef(pod).uid));
    const { runtime, rootDir } = this.harness;
    for (const { labels, name } of [...runtime.containers, ...runtime.sandboxes]) {
      assert.ok(uids.has(labels[uidLabel] ?? ''), `${name} is left over`);
    }
    assert.deepEqual(
      new Set(readdirSync(join(rootDir, 'pods'))),
      uids,
      'folders of the pods that are wanted, and no others',
    );
  }

  async #create(): Promise<void> {
    const pod = makePod({
      initContainers: [app('init'), app('sidecar', { restartPolicy: 'Always' })].slice(Math.floor(this.#random() * 3)),
      containers: [app('a'), app('b')].slice(Math.floor(this.#random() * 2)),
      volumes: [{ name: 'scratch', emptyDir: {} }],
    });
    this.#wanted.add(pod);
    await this.#ask(() => this.harness.engine.createPod(pod, { signal }));
  }

  async #delete(): Promise<void> {
    const pod = this.#pick([...this.#wanted]);
    if (!pod) return;
    this.#wanted.delete(pod);
    this.#deleted.add(pod);
    await this.#ask(() => this.harness.delete(pod, 5));
  }

  #endSomething(): void {
    const container = this.#pick(
      this.harness.runtime.running.filter(({ labels }) => labels['virtual-kubelet.io/role'] !== 'init'),
    );
    if (!container) return;
    const where = `${container.labels[uidLabel]} ${container.labels[nameLabel]}`;
    this.#ends.set(where, (this.#ends.get(where) ?? 0) + 1);
    this.harness.runtime.exit(container.id, 3);
  }

  /** The reconciler of pods, after a start: everything it wants is asked for again. */
  async #startAnew(): Promise<void> {
    this.harness.abandon();
    this.#process = this.#newProcess();
    this.harness.start(this.#process.runtime);
    for (const pod of this.#wanted) await this.#ask(() => this.harness.engine.createPod(pod, { signal }));
    for (const pod of this.#deleted) await this.#ask(() => this.harness.delete(pod, 5));
  }

  async #releaseEnded(): Promise<void> {
    for (const { ref } of this.harness.pushed) {
      const known = [...this.#wanted, ...this.#deleted].some((pod) => podRef(pod).uid === ref.uid);
      if (known || !this.#isOnRuntime(ref.uid)) continue;
      const pod: Pod = { metadata: { ...ref } };
      this.#deleted.add(pod);
      await this.#ask(() => this.harness.delete(pod, 5));
    }
    for (const pod of this.#deleted) {
      const { uid } = podRef(pod);
      if (this.#isOnRuntime(uid) && !this.harness.observed(pod)?.ended) continue;
      const released = await this.#ask(() => this.harness.release(pod));
      if (released) this.#deleted.delete(pod);
    }
    if (this.#process.isDead) await this.#startAnew();
  }

  #isOnRuntime(uid: string): boolean {
    const { containers, sandboxes } = this.harness.runtime;
    return [...containers, ...sandboxes].some(({ labels }) => labels[uidLabel] === uid);
  }

  /** Asks the engine something; false where the process died before it answered, or refused. */
  async #ask(call: () => Promise<void>): Promise<boolean> {
    const answered = call().then(
      () => true,
      () => false,
    );
    return await Promise.race([answered, this.#process.crashed.then(() => false)]);
  }

  async #pass(byMs: number): Promise<void> {
    for (let left = byMs; left > 0; left -= 1000) {
      await this.harness.clock.advance(Math.min(left, 1000));
      // Files are read and written in real time.
      await this.harness.settle(2);
      if (this.#process.isDead) return;
    }
  }

  #running(uid: string, name: string): readonly unknown[] {
    return this.harness.runtime.running.filter(({ labels }) => labels[uidLabel] === uid && labels[nameLabel] === name);
  }

  #checkRestartCountsNeverFall(): void {
    const counts = new Map<string, number>();
    for (const { ref, containers } of this.harness.pushed) {
      for (const { name, restartCount, containerId } of containers) {
        const key = `${ref.uid} ${name}`;
        if (containerId === undefined) continue;
        assert.ok(restartCount >= (counts.get(key) ?? 0), `the restart count of ${key} fell`);
        counts.set(key, restartCount);
      }
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.#random() * all.length)];
  }
}

describe('Engine, killed between any two calls', { concurrency: true }, () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`does nothing twice and forgets nothing (seed ${seed})`, async () => {
      const world = new World(seededRandom(seed));
      try {
        await world.start();
        for (let step = 0; step < 40; step++) await world.step();
        await world.rest();
        world.check();
      } finally {
        await world.harness.close();
      }
    });
  }
});
