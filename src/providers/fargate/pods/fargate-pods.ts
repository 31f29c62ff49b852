import { isDeepStrictEqual } from 'node:util';
import { type Pod, type PodRef, podRef } from '../../../kubernetes/objects.ts';
import type { ObservedPod } from '../../../podspec/status/observed.ts';
import type { ProviderContext, RunOptions } from '../../../provider/provider.ts';
import { waitingReason } from '../../../provider/waiting-reason.ts';
import { Backoff, type BackoffRange, jitteredBackoffDelayMs } from '../../../queue/backoff.ts';
import { type ProcessResult, WorkQueue } from '../../../queue/work-queue.ts';
import { isAbortOf } from '../../../support/abort.ts';
import { CodedError, isRetryable, messageOf } from '../../../support/errors.ts';
import type { Random } from '../../../support/random.ts';
import { type Attempt, firstAttempt, taskIdentity } from '../attempt.ts';
import type { CallOptions, EcsApi } from '../ecs/ecs-api.ts';
import { lostTask, taskId } from '../ecs/ecs-task.ts';
import type { TaskHealth } from '../health/task-health.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { observePod } from '../status/observe.ts';
import type { AttemptStarter } from './attempt-starter.ts';
import { attemptInStatus } from './known-status.ts';
import { hasBegun } from './launch.ts';
import { type Plan, planPod } from './plan.ts';
import { consistencyMs, PodBook } from './pod-book.ts';
import { tellDeadSidecar, tellEnd, tellHold } from './pod-events.ts';
import { createRecord, markStopping, type PodRecord } from './pod-record.ts';
import type { FoundTask, TaskFinder } from './task-finder.ts';

export interface FargatePodsOptions {
  readonly context: ProviderContext;
  readonly random: Random;
  readonly ecs: EcsApi;
  readonly starter: AttemptStarter;
  readonly finder: TaskFinder;
  readonly health: TaskHealth;
  /** Tasks have begun to move: somebody is to look at them soon. */
  readonly onMove: () => void;
}

/** Pods whose plans are carried out at the same time; most of them wait for AWS. */
const workers = 32;
const retryRange: BackoffRange = { baseMs: 1000, capMs: 300_000 };
/** The first pause between two searches for a pod's task; each one is twice as long. */
const leastSearchMs = 5000;

/**
 * The pods of this node, each with the task of its present attempt. Level-based: whatever happens puts the pod's UID into
 * a queue, and its plan is made anew from what is known then.
 */
export class FargatePods {
  readonly #options: FargatePodsOptions;
  readonly #book: PodBook;
  readonly #mutex = new KeyedMutex();
  readonly #queue: WorkQueue;
  #observe: RunOptions['observe'] | undefined;

  constructor(options: FargatePodsOptions) {
    this.#options = options;
    const { clock, log } = options.context;
    this.#book = new PodBook({ clock, onChange: (uid) => this.#queue.add(uid) });
    this.#queue = new WorkQueue({
      clock,
      backoff: new Backoff(retryRange, { clock, random: options.random }),
      onError: (uid, error, retryAfterMs) =>
        log.warn('A pod could not be brought up to date', { ...this.#book.get(uid)?.ref, error, retryAfterMs }),
    });
  }

  /** Pushes states and carries out plans until the signal aborts; tasks run on. */
  async run({ signal, observe }: RunOptions): Promise<void> {
    this.#observe = observe;
    for (const record of this.#book.shown()) this.#publish(record, planPod(record, this.#now), { again: true });
    await this.#queue.run({ workers, signal, process: (uid) => this.#process(uid, signal) });
    this.#observe = undefined;
  }

  list(): ObservedPod[] {
    return [...this.#book.shown()].map((record) => this.#view(record, planPod(record, this.#now)));
  }

  get book(): PodBook {
    return this.#book;
  }

  /** Something about the pod may have changed. */
  wake(uid: string): void {
    this.#queue.add(uid);
  }

  create(pod: Pod, options: CallOptions): Promise<void> {
    const ref = podRef(pod);
    return this.#mutex.run(ref.uid, async () => {
      const record = this.#book.get(ref.uid) ?? (await this.#newRecord(pod, options));
      if (record.task === undefined) await this.#startFirst(record, pod, options);
      record.pod = pod;
      this.#book.add(record);
      this.#options.onMove();
      this.#publish(record, planPod(record, this.#now), { again: true });
      this.#queue.add(ref.uid);
    });
  }

  update(pod: Pod): void {
    const record = this.#book.known(podRef(pod));
    record.pod = pod;
    this.#queue.add(record.ref.uid);
  }

  delete(ref: PodRef, options: CallOptions): Promise<void> {
    return this.#mutex.run(ref.uid, async () => {
      const record = this.#book.known(ref);
      record.isDeleted = true;
      const { retryAfterMs } = await this.#carryOut(record, options);
      if (retryAfterMs !== undefined) this.#queue.addAfter(ref.uid, retryAfterMs);
    });
  }

  release({ uid }: PodRef): Promise<void> {
    return this.#mutex.run(uid, async () => {
      const record = this.#book.get(uid);
      if (record === undefined) return;
      this.#options.health.forget(record);
      this.#book.remove(record);
    });
  }

  /** Takes in tasks that say that they are of our pods. */
  adopt(found: readonly FoundTask[]): void {
    for (const each of found) this.#book.adopt(each);
    this.#options.onMove();
  }

  /**
   * Of a pod that ECS was not found to have a task of. Where its status tells of one, that is asked for by name; only what
   * ECS does not know though it had time to is taken for forgotten.
   */
  async #newRecord(pod: Pod, options: CallOptions): Promise<PodRecord> {
    const known = attemptInStatus(pod);
    const record = createRecord(podRef(pod), known?.attempt ?? firstAttempt, this.#now);
    if (known === undefined) return record;
    const [found] = await this.#options.ecs.describeTasks([taskId(known.task.arn)], options);
    const identity = found && taskIdentity(found.startedBy, found.group);
    if (found !== undefined && identity !== undefined) {
      this.#book.assign(record, found, identity.attempt);
    } else if (this.#now - (known.task.startedAtMs ?? 0) < consistencyMs) {
      throw new CodedError(
        'Unavailable',
        `ECS does not know task ${taskId(known.task.arn)} yet, which the pod's status tells of`,
      );
    } else {
      record.task = known.task;
    }
    return record;
  }

  #process(uid: string, signal: AbortSignal): Promise<ProcessResult> {
    return this.#mutex.run(uid, async () => {
      const record = this.#book.get(uid);
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
        case 'search': {
          const retryAfterMs = await this.#search(record, options);
          if (retryAfterMs !== undefined) return { retryAfterMs };
          break;
        }
        case 'wait':
          tellEnd(record, context.recordEvent);
          tellDeadSidecar(record, context.recordEvent);
          if (plan.hold) tellHold(record, plan.hold, context.recordEvent);
          return this.#retryAt(
            Math.min(plan.untilMs ?? Number.POSITIVE_INFINITY, health.failsAtMs(record) ?? Number.POSITIVE_INFINITY),
          );
        case 'over':
          tellEnd(record, context.recordEvent);
          return {};
      }
    }
  }

  #retryAt(atMs: number): ProcessResult {
    return atMs === Number.POSITIVE_INFINITY ? {} : { retryAfterMs: Math.max(atMs - this.#now, 0) };
  }

  async #stop(record: PodRecord, plan: Extract<Plan, { kind: 'stop' }>, options: CallOptions): Promise<void> {
    const { context, ecs, onMove } = this.#options;
    const { task, reason, message } = plan;
    const stopped = await ecs.stopTask(task.arn, reason, options);
    if (stopped === undefined && this.#book.isNew(record)) {
      throw new CodedError('Unavailable', `ECS does not know task ${taskId(task.arn)} yet, which is to be stopped`);
    }
    context.recordEvent({ pod: record.ref, type: 'Normal', reason: 'Killing', message });
    markStopping(record, task, stopped ?? lostTask(task));
    onMove();
  }

  /**
   * Looks for a task that a call without an answer may have made. Undefined where it is found, or ECS had the time to know
   * it and does not; else when to look again, in milliseconds.
   */
  async #search({ ref, launch }: PodRecord, options: CallOptions): Promise<number | undefined> {
    const ageMs = this.#now - (launch.unsureSinceMs ?? 0);
    this.adopt(await this.#options.finder.findOf(ref, options));
    if (launch.unsureSinceMs === undefined) return undefined;
    if (ageMs < consistencyMs) return Math.min(Math.max(ageMs, leastSearchMs), consistencyMs - ageMs);
    launch.unsureSinceMs = undefined;
    return undefined;
  }

  /** A later attempt: what goes wrong is shown as the pod's state, and tried again with growing pauses. */
  async #startAgain(record: PodRecord, attempt: Attempt, options: CallOptions): Promise<void> {
    const { ref, pod } = record;
    if (pod === undefined)
      throw new CodedError('Internal', `the spec of pod ${ref.namespace}/${ref.name} is not known`);
    try {
      await this.#start(record, pod, attempt, options);
      this.#options.onMove();
    } catch (error) {
      if (isAbortOf(options.signal, error)) throw error;
      this.#noteStartFailure(record, error);
    }
  }

  /** A pod that is handed to us: it is not in hand before its task is known, but what its launch came to is remembered. */
  async #startFirst(record: PodRecord, pod: Pod, options: CallOptions): Promise<void> {
    try {
      await this.#start(record, pod, record.attempt, options);
    } catch (error) {
      if (hasBegun(record.launch)) this.#book.add(record);
      throw error;
    }
  }

  async #start(record: PodRecord, pod: Pod, attempt: Attempt, options: CallOptions): Promise<void> {
    const { starter, context } = this.#options;
    const { ref } = record;
    const started = await starter.start(pod, attempt, record.launch, options);
    // It may have been found meanwhile.
    this.#book.assign(record, started.task, started.attempt);
    record.entries = started.entries;
    record.startFailure = undefined;
    const id = taskId(started.task.arn);
    const message = `Created ECS task ${id}${attempt.number === 0 ? '' : ` (attempt ${started.attempt.number + 1})`}`;
    context.recordEvent({ pod: ref, type: 'Normal', reason: 'Created', message });
  }

  #noteStartFailure(record: PodRecord, error: unknown): void {
    const { context, random } = this.#options;
    const { retryAfterMs: askedMs = 0 } = error instanceof CodedError ? error : {};
    const message = messageOf(error);
    const reason = waitingReason(error);
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

  get #now(): number {
    return this.#options.context.clock.now();
  }
}
