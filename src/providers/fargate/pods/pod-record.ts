import type { Pod, PodRef } from '../../../kubernetes/objects.ts';
import type { ObservedPod, ObservedTerminated } from '../../../podspec/status/observed.ts';
import type { Attempt } from '../attempt.ts';
import { type EcsTask, hasStopped } from '../ecs/ecs-task.ts';
import { containerEnds } from '../status/observe.ts';
import { createLaunch, type Launch } from './launch.ts';

/** Why the pod's next attempt could not be started, and when that is tried again. */
export interface StartFailure {
  readonly reason: string;
  readonly message: string;
  readonly retryAtMs: number;
  /** In a row. */
  readonly count: number;
}

/** Why the present task is to be stopped though nobody deletes the pod. */
export interface StopWish {
  readonly taskArn: string;
  /** For the event, and for ECS to keep. */
  readonly why: string;
}

/** What this process knows of one pod. Nothing of it has to outlive the process: ECS and the API server tell it anew. */
export interface PodRecord {
  readonly ref: PodRef;
  /** Undefined until the pod is handed to this process. */
  pod: Pod | undefined;
  /** When it first heard of the pod. */
  readonly seenAtMs: number;
  /** The present attempt. */
  attempt: Attempt;
  /** Of the task of this attempt, or of the one to come. */
  readonly launch: Launch;
  /** Of the present attempt, from the answer of RunTask on. */
  task: EcsTask | undefined;
  /** When the task became known: ECS may take a moment to know it everywhere. */
  taskKnownAtMs: number;
  /** The task of the attempt before, for its logs. */
  lastTask: Pick<EcsTask, 'arn' | 'definitionArn'> | undefined;
  /** How its containers ended. */
  lastEnds: ReadonlyMap<string, ObservedTerminated>;
  /** Tasks of other attempts that still run; there should be none, and they are stopped. */
  readonly strays: Map<string, EcsTask>;
  isDeleted: boolean;
  stopWish: StopWish | undefined;
  startFailure: StartFailure | undefined;
  /** The pod can never be run again, for this reason. */
  failure: { readonly reason: string; readonly message: string } | undefined;
  /** Entries of Secrets Manager that its attempts used. */
  entries: readonly string[];
  /** Tasks by which the pod is found. */
  readonly taskArns: Set<string>;
  /** Of which task's end and dead sidecar, and of which attempt's wait, an event has told. */
  toldEndOf: string | undefined;
  toldSidecarOf: string | undefined;
  toldHoldOf: number | undefined;
  /** What was pushed last. */
  published: ObservedPod | undefined;
}

export function createRecord(ref: PodRef, attempt: Attempt, nowMs: number): PodRecord {
  return {
    ref,
    pod: undefined,
    seenAtMs: nowMs,
    attempt,
    launch: createLaunch(),
    task: undefined,
    taskKnownAtMs: nowMs,
    lastTask: undefined,
    lastEnds: new Map(),
    strays: new Map(),
    isDeleted: false,
    stopWish: undefined,
    startFailure: undefined,
    failure: undefined,
    entries: [],
    taskArns: new Set(),
    toldEndOf: undefined,
    toldSidecarOf: undefined,
    toldHoldOf: undefined,
    published: undefined,
  };
}

/** The next attempt becomes the present one, and the present task the last. */
export function beginAttempt(record: PodRecord, attempt: Attempt): void {
  const { task, pod } = record;
  record.attempt = attempt;
  if (task === undefined) return;
  record.lastTask = { arn: task.arn, definitionArn: task.definitionArn };
  const ends = containerEnds(task, pod);
  // An attempt in which nothing ran leaves the ends of the one before it.
  if (ends.size > 0) record.lastEnds = ends;
  record.task = undefined;
  record.stopWish = undefined;
}

/** StopTask was called, whatever else ECS says of the task yet. */
export function markStopping(record: PodRecord, task: EcsTask, answer: EcsTask): void {
  updateTask(record, answer);
  if (record.task?.arn === task.arn) record.task = { ...record.task, desiredStatus: 'STOPPED' };
  const stray = record.strays.get(task.arn);
  if (stray !== undefined) record.strays.set(task.arn, { ...stray, desiredStatus: 'STOPPED' });
}

/** Takes in what ECS says of a task of the pod; false where that is older than what is known. */
export function updateTask(record: PodRecord, task: EcsTask): boolean {
  if (record.task?.arn === task.arn) {
    if (task.version < record.task.version) return false;
    record.task = task;
    return true;
  }
  if (!record.strays.has(task.arn)) return false;
  if (hasStopped(task)) record.strays.delete(task.arn);
  else record.strays.set(task.arn, task);
  return true;
}

/** Takes in a task of the pod that was found and belongs to `attempt`: the highest number is the present one. */
export function adoptTask(record: PodRecord, task: EcsTask, attempt: Attempt, nowMs: number): void {
  if (attempt.number >= record.launch.number) record.launch.unsureSinceMs = undefined;
  if (updateTask(record, task)) return;
  const isNewer = attempt.number > record.attempt.number;
  const isSame = attempt.number === record.attempt.number;
  const present = record.task;
  if (isNewer || (isSame && (present === undefined || hasStopped(present)))) {
    beginAttempt(record, attempt);
    if (present !== undefined && !hasStopped(present)) record.strays.set(present.arn, present);
    record.task = task;
    record.taskKnownAtMs = nowMs;
  } else if (!hasStopped(task)) {
    record.strays.set(task.arn, task);
  } else if (attempt.number === record.attempt.number - 1 && record.lastTask === undefined) {
    record.lastTask = { arn: task.arn, definitionArn: task.definitionArn };
    record.lastEnds = containerEnds(task, record.pod);
  }
}
