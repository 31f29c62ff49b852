import assert from 'node:assert/strict';
import type { Pod, Service } from '../../../kubernetes/objects.ts';
import { podRef } from '../../../kubernetes/objects.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import type { ObservedPod } from '../../../podspec/status/observed.ts';
import { podStatus } from '../../../podspec/status/pod-status.ts';
import { fakeReferences } from '../../../podspec/testing/fake-references.ts';
import type { Provider } from '../../../provider/provider.ts';
import { makePod } from '../../../provider/testing/conformance-pods.ts';
import { until } from '../../../provider/testing/until.ts';
import { hasCode } from '../../../support/errors.ts';
import type { Random } from '../../../support/random.ts';
import { type Death, DyingEndpoint } from './dying-endpoint.ts';
import type { FargateBed } from './fargate-bed.ts';

const container = (...args: string[]) => ({ name: 'a', image: 'busybox', args });

/** A call of a life at which it may end; lives that make fewer end in peace. */
const mostCalls = 12;

/** The API server of the round: pods with the status that was written last. */
class Pods {
  readonly #pods = new Map<string, Pod>();
  readonly #bed: FargateBed;

  constructor(bed: FargateBed, pods: readonly Pod[]) {
    this.#bed = bed;
    for (const pod of pods) this.#pods.set(podRef(pod).uid, pod);
  }

  get alive(): Pod[] {
    return [...this.#pods.values()].filter(({ status }) => !['Succeeded', 'Failed'].includes(status?.phase ?? ''));
  }

  get(uid: string): Pod | undefined {
    return this.#pods.get(uid);
  }

  write(observed: ObservedPod): void {
    const pod = this.#pods.get(observed.ref.uid);
    if (pod === undefined) return;
    const status = podStatus({ pod, observed, hostIps: ['10.0.0.5'], nowMs: this.#bed.clock.now() });
    this.#pods.set(observed.ref.uid, { ...pod, status });
  }
}

/**
 * Several processes, one after the other, are to run the same pods; each but the last dies at a call of its own, before
 * it or with its answer. In the end each pod has run as if there had been one process. Gives where they died.
 */
export async function crashRound(bed: FargateBed, random: Random): Promise<readonly string[]> {
  const fromConfig = { name: 'LIFE', valueFrom: { configMapKeyRef: { name: 'config', key: 'life' } } };
  const steady = [
    makePod({ containers: [container()] }),
    makePod({ containers: [{ ...container(), env: [fromConfig] }] }),
  ];
  const job = makePod({ restartPolicy: 'Never', containers: [container('exit', '0')] });
  const crashing = makePod({ containers: [container('exit', '3')] });
  const pods = new Pods(bed, [...steady, job, crashing]);
  const deaths: string[] = [];
  // Sometimes ECS does not know for a while what it has just been told.
  await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: random() < 0.5 ? 5000 : 0 });
  for (let life = 0; life < 3; life++) {
    // Sometimes what a pod is made from has changed since the death before.
    if (life === 0 || random() < 0.5) bed.references = referencesOf(life);
    const death: Death = { atCall: Math.floor(random() * mostCalls), when: random() < 0.5 ? 'before' : 'after' };
    const endpoint = new DyingEndpoint(bed.fargate.endpoint, death);
    const provider = await bed.createProvider({ endpoint: await endpoint.listen() });
    deaths.push(await liveUntil(provider, pods, Promise.race([endpoint.dead, peace(bed)])));
    endpoint.close();
  }
  const all = [...steady, job, crashing];
  const provider = await bed.createProvider();
  const theEnd = async (): Promise<void> => {
    await until('every pod to be as it should', () => isAsItShould(pods, { steady, job, crashing }), {
      detail: () => pods.alive,
    });
    await bed.fargate.admin('PATCH', 'switches', { consistencyDelayMs: 0 });
    await checkTasks(bed, all);
    for (const pod of steady) assert.equal((await bed.liveTasksOf(podRef(pod).uid)).length, 1, 'one live task');
    assert.equal((await bed.tasksOf(podRef(job).uid)).length, 1, 'a job runs once');
    await removeAll(provider, bed, all);
  };
  await liveUntil(provider, pods, theEnd());
  return deaths;
}

/** Of one life: a ConfigMap, which one pod uses, and a Service, which all pods have variables of. */
function referencesOf(life: number): PodReferences {
  const service: Service = {
    metadata: { namespace: 'conformance', name: 'service' },
    spec: { clusterIP: `10.96.0.${life + 1}`, ports: [{ port: 80 }] },
  };
  return fakeReferences({ configMaps: { config: { life: `${life}` } }, services: [service] });
}

/** As long as this process does not die. */
async function peace({ clock }: FargateBed): Promise<string> {
  await clock.sleep(10_000);
  return 'in peace';
}

/** One process: finds, takes over, creates, and writes what it observes, until the end comes. */
async function liveUntil<T>(provider: Provider, pods: Pods, end: Promise<T>): Promise<T> {
  const process = new AbortController();
  const { signal } = process;
  // As the core does: nothing is written of a pod before it is in hand.
  const inHand = new Set<string>();
  const early = new Map<string, ObservedPod>();
  const observe = (observed: ObservedPod): void => {
    if (signal.aborted) return;
    if (inHand.has(observed.ref.uid)) pods.write(observed);
    else early.set(observed.ref.uid, observed);
  };
  const takeInHand = async (pod: Pod): Promise<void> => {
    const { uid } = podRef(pod);
    early.delete(uid);
    await provider.createPod(pods.get(uid) ?? pod, { signal });
    inHand.add(uid);
    const observed = early.get(uid);
    if (observed !== undefined) observe(observed);
  };
  const takeOver = async (): Promise<void> => {
    await persist(signal, () => provider.listPods({ signal }));
    await Promise.all(pods.alive.map((pod) => persist(signal, () => takeInHand(pod))));
  };
  const running = provider.run({ signal, observe });
  const work = takeOver();
  try {
    return await end;
  } finally {
    process.abort(new Error('dead'));
    await Promise.all([running, work]);
  }
}

/** Until it succeeds or the process is dead. */
async function persist(signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  }
}

function isAsItShould(
  pods: Pods,
  { steady, job, crashing }: { readonly steady: readonly Pod[]; readonly job: Pod; readonly crashing: Pod },
): boolean {
  const statusOf = (pod: Pod) => pods.get(podRef(pod).uid)?.status;
  const isReady = (pod: Pod): boolean => statusOf(pod)?.containerStatuses?.[0]?.ready === true;
  const restarts = statusOf(crashing)?.containerStatuses?.[0]?.restartCount ?? 0;
  return steady.every(isReady) && statusOf(job)?.phase === 'Succeeded' && restarts >= 1;
}

/** However often calls were made: one task an attempt, and the attempts without a gap. */
async function checkTasks(bed: FargateBed, pods: readonly Pod[]): Promise<void> {
  for (const pod of pods) {
    const tasks = await bed.tasksOf(podRef(pod).uid);
    const numbers = tasks.map(({ group }) => Number(group.split(':')[2]?.split('-')[0])).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index),
      'one task an attempt',
    );
    const live = tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED');
    assert.ok(live.length <= 1, `${live.length} live tasks`);
  }
}

async function removeAll(provider: Provider, bed: FargateBed, pods: readonly Pod[]): Promise<void> {
  const { signal } = new AbortController();
  for (const pod of pods) {
    try {
      await provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
    } catch (error) {
      // A job that was over before this process came.
      if (!hasCode(error, 'NotFound')) throw error;
    }
    await until('no task to be left', async () => (await bed.liveTasksOf(podRef(pod).uid)).length === 0);
  }
}
