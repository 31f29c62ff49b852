import { createHash } from 'node:crypto';
import type { PodRef } from '../../kubernetes/objects.ts';

/**
 * One try to run a pod: one ECS task. Numbers only grow, and each attempt carries all that is to be known of those before
 * it, since ECS forgets a stopped task after an hour.
 */
export interface Attempt {
  /** 0 for the first. */
  readonly number: number;
  /** How often containers have been started anew, and how often init containers: some attempts do not come so far. */
  readonly restarts: number;
  readonly initRestarts: number;
  /** Attempts in a row before this one that failed soon; decides how long the next one waits. */
  readonly failures: number;
}

export const firstAttempt: Attempt = { number: 0, restarts: 0, initRestarts: 0, failures: 0 };

/** Which node of which cluster a task belongs to, in twelve hexadecimal digits. */
export function ownerId(clusterId: string, nodeName: string): string {
  return createHash('sha256')
    .update(JSON.stringify([clusterId, nodeName]))
    .digest('hex')
    .slice(0, 12);
}

/** Makes RunTask answer with the same task however often it is called for one attempt. ECS takes 64 characters. */
export function clientToken(uid: string, { number }: Attempt): string {
  return `${uid}-${number}`;
}

/** What a task says of its pod, beside `startedBy`, which is the pod's UID. */
export interface TaskIdentity {
  readonly ref: PodRef;
  readonly owner: string;
  readonly attempt: Attempt;
}

const groupStart = 'kubernetes';
/** ECS's limit for `group`. */
const groupLength = 255;

/**
 * A task's `group`: unlike tags it outlives StopTask, and unlike `startedBy` it may be long. Names keep to letters,
 * digits and hyphens by an underscore in place of each dot; a long one is cut, which loses words in events only, for
 * pods are told apart by their UID.
 */
export function taskGroup({ ref, owner, attempt }: TaskIdentity): string {
  const { number, restarts, initRestarts, failures } = attempt;
  const counts = [number, restarts, initRestarts, failures].join('-');
  return [groupStart, owner, counts, ref.namespace, ref.name.replaceAll('.', '_')].join(':').slice(0, groupLength);
}

/** The identity in a task's `startedBy` and `group`; undefined for a task that no virtual kubelet started. */
export function taskIdentity(startedBy: string | undefined, group: string | undefined): TaskIdentity | undefined {
  const [start, owner = '', counts = '', namespace = '', name = ''] = (group ?? '').split(':');
  const numbers = /^(\d+)-(\d+)-(\d+)-(\d+)$/.exec(counts)?.slice(1).map(Number);
  if (start !== groupStart || !startedBy || numbers === undefined) return undefined;
  const [number = 0, restarts = 0, initRestarts = 0, failures = 0] = numbers;
  const ref = { namespace, name: name.replaceAll('_', '.'), uid: startedBy };
  return { ref, owner, attempt: { number, restarts, initRestarts, failures } };
}
