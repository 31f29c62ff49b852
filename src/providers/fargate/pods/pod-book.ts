import { isDeepStrictEqual } from 'node:util';
import type { Container, PodRef } from '../../../kubernetes/objects.ts';
import type { Clock } from '../../../support/clock.ts';
import { CodedError } from '../../../support/errors.ts';
import type { Attempt } from '../attempt.ts';
import { type EcsTask, familyOf, lostTask } from '../ecs/ecs-task.ts';
import type { InUse } from '../garbage-collector.ts';
import { allContainers } from '../resolve/pod-inputs.ts';
import { execProbes } from '../translate/health-check.ts';
import { adoptTask, createRecord, type PodRecord, updateTask } from './pod-record.ts';
import type { FoundTask } from './task-finder.ts';
import type { WatchedTask } from './task-poller.ts';

/** So long ECS may not know everywhere a task that it has just made. */
export const consistencyMs = 120_000;

/** The pods that this process knows of, found by UID and by task. */
export class PodBook {
  readonly #clock: Clock;
  /** Of a pod of which something has changed. */
  readonly #onChange: (uid: string) => void;
  readonly #records = new Map<string, PodRecord>();
  readonly #uidsByTask = new Map<string, string>();

  constructor(options: { readonly clock: Clock; readonly onChange: (uid: string) => void }) {
    this.#clock = options.clock;
    this.#onChange = options.onChange;
  }

  values(): IteratorObject<PodRecord> {
    return this.#records.values();
  }

  /** Those that there is something of to show; not those whose launch has begun and whose task nobody has seen. */
  shown(): IteratorObject<PodRecord> {
    return this.values().filter(({ pod, task }) => pod !== undefined || task !== undefined);
  }

  get(uid: string): PodRecord | undefined {
    return this.#records.get(uid);
  }

  /** `NotFound` where there is none. */
  known({ namespace, name, uid }: PodRef): PodRecord {
    const record = this.#records.get(uid);
    if (record === undefined) throw new CodedError('NotFound', `Fargate runs no pod ${namespace}/${name} (${uid})`);
    return record;
  }

  add(record: PodRecord): void {
    this.#records.set(record.ref.uid, record);
  }

  remove(record: PodRecord): void {
    this.#records.delete(record.ref.uid);
    for (const arn of record.taskArns) this.#uidsByTask.delete(arn);
  }

  isKnownTask(arn: string): boolean {
    return this.#uidsByTask.has(arn);
  }

  /** The task runs an attempt of the pod; the pod is found by it, and no longer by those of attempts long past. */
  assign(record: PodRecord, task: EcsTask, attempt: Attempt): void {
    adoptTask(record, task, attempt, this.#clock.now());
    record.taskArns.add(task.arn);
    this.#uidsByTask.set(task.arn, record.ref.uid);
    for (const arn of record.taskArns) {
      const isOfUse = [task.arn, record.task?.arn, record.lastTask?.arn].includes(arn) || record.strays.has(arn);
      if (isOfUse) continue;
      record.taskArns.delete(arn);
      this.#uidsByTask.delete(arn);
    }
  }

  /** Takes in a task that says whose it is, whether or not the pod is known. */
  adopt({ task, identity }: FoundTask): void {
    const { ref, attempt } = identity;
    const record = this.#records.get(ref.uid) ?? createRecord(ref, attempt, this.#clock.now());
    this.add(record);
    this.assign(record, task, attempt);
    this.#onChange(ref.uid);
  }

  /** Takes in what ECS says of known tasks, and which of them it does not know. */
  take(found: readonly EcsTask[], missing: readonly string[]): void {
    for (const task of found) this.#takeOne(task);
    for (const arn of missing) {
      const record = this.#records.get(this.#uidsByTask.get(arn) ?? '');
      const task = record?.task?.arn === arn ? record.task : record?.strays.get(arn);
      if (record !== undefined && task !== undefined && !this.isNew(record)) this.#takeOne(lostTask(task));
    }
  }

  /** Whether the pod's task is so new that ECS may not know it everywhere. */
  isNew({ taskKnownAtMs }: PodRecord): boolean {
    return this.#clock.now() - taskKnownAtMs < consistencyMs;
  }

  /** Every task that has not been forgotten. */
  *watched(): Iterable<WatchedTask> {
    for (const { pod, task, strays } of this.#records.values()) {
      const needsHealth = pod !== undefined && allContainers(pod).some(hasExecProbe);
      if (task !== undefined) yield { task, needsHealth };
      for (const stray of strays.values()) yield { task: stray, needsHealth: false };
    }
  }

  /** What pods that are not over run by. */
  inUse(): InUse {
    const families = new Set<string>();
    const entries = new Set<string>();
    for (const { published, task, entries: names } of this.#records.values()) {
      if (published?.ended) continue;
      if (task) families.add(familyOf(task.definitionArn));
      for (const name of names) entries.add(name);
    }
    return { families, entries };
  }

  #takeOne(task: EcsTask): void {
    const uid = this.#uidsByTask.get(task.arn) ?? '';
    const record = this.#records.get(uid);
    if (record === undefined || isDeepStrictEqual(record.task, task)) return;
    if (updateTask(record, task)) this.#onChange(uid);
  }
}

function hasExecProbe(container: Container): boolean {
  return execProbes(container).length > 0;
}
