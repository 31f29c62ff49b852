import { isDeepStrictEqual } from 'node:util';
import { type Container, type Pod, type PodRef, podRef } from '../../../kubernetes/objects.ts';
import type { ObservedPod } from '../../../podspec/status/observed.ts';
import type { ProviderContext, RunOptions } from '../../../provider/provider.ts';
import { Backoff, type BackoffRange, jitteredBackoffDelayMs } from '../../../queue/backoff.ts';
import { type ProcessResult, WorkQueue } from '../../../queue/work-queue.ts';
import { isAbortOf } from '../../../support/abort.ts';
import { CodedError, isRetryable, messageOf } from '../../../support/errors.ts';
import type { Random } from '../../../support/random.ts';
import { type Attempt, firstAttempt } from '../attempt.ts';
import type { CallOptions, EcsApi } from '../ecs/ecs-api.ts';
import { type EcsTask, familyOf, lostTask, taskId } from '../ecs/ecs-task.ts';
import type { InUse } from '../garbage-collector.ts';
import type { TaskHealth } from '../health/task-health.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { observePod } from '../status/observe.ts';
import { execProbes } from '../translate/health-check.ts';
import type { AttemptStarter } from './attempt-starter.ts';
import { attemptInStatus } from './known-status.ts';
import { type Plan, planPod } from './plan.ts';
import { tellEnd, tellHold } from './pod-events.ts';
import { adoptTask, createRecord, markStopping, type PodRecord, updateTask } from './pod-record.ts';
import type { FoundTask } from './task-finder.ts';
import type { WatchedTask } from './task-poller.ts';

export interface FargatePodsOptions {
  readonly context: ProviderContext;
  readonly random: Random;
  readonly ecs: EcsApi;
  readonly starter: AttemptStarter;
  readonly health: TaskHealth;
  /** Tasks have begun to move: somebody is to look at them soon. */
  readonly onMove: () => void;
}

/** Pods whose plans are carried out at the same time; most of them wait for AWS. */
const workers = 32;
const retryRange: BackoffRange = { baseMs: 1000, capMs: 300_000 };
/** So long ECS may not know everywhere a task that it has just made. */
const consistencyMs = 120_000;

/**
 * The pods of this node, each with the task of its present attempt. Level-based: whatever happens puts the pod's UID into
 * a queue, and its plan is made anew from what is known then.
 */
export class FargatePods {
  readonly #options: FargatePodsOptions;
  readonly #records = new Map<string, PodRecord>();
  readonly #uidsByTask = new Map<string, string>();
  readonly #mutex = new KeyedMutex();
  readonly #queue: WorkQueue;
  #observe: RunOptions['observe'] | undefined;

  constructor(options: FargatePodsOptions) {
    this.#options = options;
    const { clock, log } = options.context;
    this.#queue = new WorkQueue({
      clock,
      backoff: new Backoff(retryRange, { clock, random: options.random }),
      onError: (uid, error, retryAfterMs) =>
        log.warn('A pod could not be brought up to date', { ...this.#records.get(uid)?.ref, error, retryAfterMs }),
    });
  }

  /** Pushes states and carries out plans until the signal aborts; tasks run on. */
  async run({ signal, observe }: RunOptions): Promise<void> {
    this.#observe = observe;
    for (const record of this.#records.values()) this.#publish(record, planPod(record, this.#now), { again: true });
    await this.#queue.run({ workers, signal, process: (uid) => this.#process(uid, signal) });
    this.#observe = undefined;
  }

  list(): ObservedPod[] {
    return [...this.#records.values()].map((record) => this.#view(record, planPod(record, this.#now)));
  }

  get(uid: string): PodRecord | undefined {
    return this.#records.get(uid);
  }

  /** Something about the pod may have changed. */
  wake(uid: string): void {
    this.#queue.add(uid);
  }

  create(pod: Pod, options: CallOptions): Promise<void> {
    const ref = podRef(pod);
    return this.#mutex.run(ref.uid, async () => {
      const record = this.#records.get(ref.uid) ?? this.#newRecord(pod);
      record.pod = pod;
      if (record.task === undefined) await this.#start(record, record.attempt, options);
      this.#records.set(ref.uid, record);
      this.#options.onMove();
      this.#publish(record, planPod(record, this.#now), { again: true });
      this.#queue.add(ref.uid);
    });
  }

  #newRecord(pod: Pod): PodRecord {
    const known = attemptInStatus(pod);
    const record = createRecord(podRef(pod), known?.attempt ?? firstAttempt, this.#now);
    record.task = known?.task;
    return record;
  }

  update(pod: Pod): void {
    const record = this.#known(podRef(pod));
    record.pod = pod;
    this.#queue.add(record.ref.uid);
  }

  delete(ref: PodRef, options: CallOptions): Promise<void> {
    return this.#mutex.run(ref.uid, async () => {
      const record = this.#known(ref);
      record.isDeleted = true;
      await this.#carryOut(record, options);
    });
  }

  release({ uid }: PodRef): Promise<void> {
    return this.#mutex.run(uid, async () => {
      const record = this.#records.get(uid);
      if (record === undefined) return;
      this.#options.health.forget(record);
      this.#records.delete(uid);
      for (const arn of record.taskArns) this.#uidsByTask.delete(arn);
    });
  }

  /** Takes in tasks of our pods that were found. */
  adopt(found: readonly FoundTask[]): void {
    for (const { task, identity } of found) {
      const { ref, attempt } = identity;
      const record = this.#records.get(ref.uid) ?? createRecord(ref, attempt, this.#now);
      this.#records.set(ref.uid, record);
      adoptTask(record, task, attempt, this.#now);
      this.#index(record, task.arn);
      this.#queue.add(ref.uid);
    }
    this.#options.onMove();
  }

  /** Takes in what ECS says of tasks, and which of them it does not know. */
  take(found: readonly EcsTask[], missing: readonly string[] = []): void {
    for (const task of found) this.#takeOne(task);
    for (const arn of missing) {
      const record = this.#records.get(this.#uidsByTask.get(arn) ?? '');
      const task = record?.task?.arn === arn ? record.task : record?.strays.get(arn);
      if (record === undefined || task === undefined || this.#now - record.taskKnownAtMs < consistencyMs) continue;
      this.#takeOne(lostTask(task));
    }
  }

  isKnown(arn: string): boolean {
    return this.#uidsByTask.has(arn);
  }

  *watched(): Iterable<WatchedTask> {
    for (const { pod, task, strays } of this.#records.values()) {
      const needsHealth = pod?.spec?.containers.some(hasExecProbe) ?? false;
      if (task !== undefined) yield { task, needsHealth };
      for (const stray of strays.values()) yield { task: stray, needsHealth: false };
    }
  }

  inUse(): InUse {
    const families = new Set<string>();
    const entries = new Set<string>();
    for (const record of this.#records.values()) {
      if (record.published?.ended) continue;
      if (record.task) families.add(familyOf(record.task.definitionArn));
      for (const name of record.entries) entries.add(name);
    }
    return { families, entries };
  }

  /** The pod is found by this task, and no longer by those of attempts long past. */
  #index(record: PodRecord, arn: string): void {
    record.taskArns.add(arn);
    this.#uidsByTask.set(arn, record.ref.uid);
    for (const known of record.taskArns) {
      if (known === arn || known === record.task?.arn || known === record.lastTask?.arn || record.strays.has(known))
        continue;
      record.taskArns.delete(known);
      this.#uidsByTask.delete(known);
    }
  }

  #takeOne(task: EcsTask): void {
    const uid = this.#uidsByTask.get(task.arn) ?? '';
    const record = this.#records.get(uid);
    if (record === undefined || isDeepStrictEqual(record.task, task)) return;
    if (updateTask(record, task)) this.#queue.add(uid);
  }

  #process(uid: string, signal: AbortSignal): Promise<ProcessResult> {
    return this.#mutex.run(uid, async () => {
      const record = this.#records.get(uid);
      return record === undefined ? {} : this.#carryOut(record, { signal });
    });
  }

  /** Does what the plan says, and plans again, until there is nothing to do now; pushes what has become of the pod. */
  async #carryOut(record: PodRecord, options: CallOptions): Promise<ProcessResult> {
    const { context, health } = this.#options;
    for (;;) {
      health.attend(record);
      const why = health.failure(record);
      if (why !== undefined && record.task) record.stopWish = { taskArn: record.task.arn, why };
      const plan = planPod(record, this.#now);
      this.#publish(record, plan);
      switch (plan.kind) {
        case 'stop':
          await this.#stop(record, plan, options);
          break;
        case 'start':
          await this.#startAgain(record, plan.attempt, options);
          break;
        case 'wait':
          tellEnd(record, context.recordEvent);
          if (plan.hold) tellHold(record, plan.hold, context.recordEvent);
          return plan.untilMs === undefined ? {} : { retryAfterMs: Math.max(plan.untilMs - this.#now, 0) };
        case 'over':
          tellEnd(record, context.recordEvent);
          return {};
      }
    }
  }

  async #stop(record: PodRecord, plan: Extract<Plan, { kind: 'stop' }>, options: CallOptions): Promise<void> {
    const { context, ecs, onMove } = this.#options;
    const { task, reason, message } = plan;
    const stopped = await ecs.stopTask(task.arn, reason, options);
    if (stopped === undefined && this.#now - record.taskKnownAtMs < consistencyMs) {
      throw new CodedError('Unavailable', `ECS does not know task ${taskId(task.arn)} yet, which is to be stopped`);
    }
    context.recordEvent({ pod: record.ref, type: 'Normal', reason: 'Killing', message });
    markStopping(record, task, stopped ?? lostTask(task));
    onMove();
  }

  /** A later attempt: what goes wrong is shown as the pod's state, and tried again with growing pauses. */
  async #startAgain(record: PodRecord, attempt: Attempt, options: CallOptions): Promise<void> {
    try {
      await this.#start(record, attempt, options);
      this.#options.onMove();
    } catch (error) {
      if (isAbortOf(options.signal, error)) throw error;
      this.#noteStartFailure(record, error);
    }
  }

  async #start(record: PodRecord, attempt: Attempt, options: CallOptions): Promise<void> {
    const { starter, context } = this.#options;
    const { ref, pod } = record;
    if (pod === undefined)
      throw new CodedError('Internal', `the spec of pod ${ref.namespace}/${ref.name} is not known`);
    const started = await starter.start(pod, attempt, options);
    // It may have been found meanwhile.
    adoptTask(record, started.task, started.attempt, this.#now);
    record.entries = started.entries;
    record.startFailure = undefined;
    this.#index(record, started.task.arn);
    const id = taskId(started.task.arn);
    const message = `Created ECS task ${id}${attempt.number === 0 ? '' : ` (attempt ${started.attempt.number + 1})`}`;
    context.recordEvent({ pod: ref, type: 'Normal', reason: 'Created', message });
  }

  #noteStartFailure(record: PodRecord, error: unknown): void {
    const { context, random } = this.#options;
    const { reason: word, code, retryAfterMs: askedMs = 0 } = error instanceof CodedError ? error : {};
    const message = messageOf(error);
    const reason = word ?? (code === 'Throttled' ? 'ProviderThrottled' : 'ProviderFailed');
    context.recordEvent({ pod: record.ref, type: 'Warning', reason: 'ProviderCreateFailed', message });
    if (!isRetryable(error)) {
      record.failure = { reason, message };
      return;
    }
    const count = (record.startFailure?.count ?? 0) + 1;
    const waitMs = Math.max(jitteredBackoffDelayMs(count - 1, retryRange, random), askedMs);
    record.startFailure = { reason, message, count, retryAtMs: this.#now + waitMs };
  }

  #publish(record: PodRecord, plan: Plan, options: { readonly again?: boolean } = {}): void {
    const observed = this.#view(record, plan);
    if (!options.again && isDeepStrictEqual(observed, record.published)) return;
    record.published = observed;
    this.#observe?.(observed);
  }

  #view(record: PodRecord, plan: Plan): ObservedPod {
    const { ref, pod, attempt, task, lastEnds } = record;
    return observePod({
      ref,
      pod,
      attempt,
      task,
      lastEnds,
      hold: plan.kind === 'wait' ? plan.hold : undefined,
      failure: plan.kind === 'over' ? plan.failure : undefined,
      ended: plan.kind === 'over',
      healthOf: (name) => this.#options.health.of(record, name),
    });
  }

  #known({ namespace, name, uid }: PodRef): PodRecord {
    const record = this.#records.get(uid);
    if (record === undefined) throw new CodedError('NotFound', `Fargate runs no pod ${namespace}/${name} (${uid})`);
    return record;
  }

  get #now(): number {
    return this.#options.context.clock.now();
  }
}

function hasExecProbe(container: Container): boolean {
  return execProbes(container).length > 0;
}
