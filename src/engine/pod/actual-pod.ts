import type { PodRef } from '../../kubernetes/objects.ts';
import type { ContainerInfo, Sandbox } from '../../runtime/runtime.ts';
import { labelKeys, podOf } from './labels.ts';
import type { Role } from './role.ts';

/** One container on the runtime: the n-th run of a container of the pod's spec. */
export interface Attempt {
  readonly id: string;
  /** The container's name in the spec. */
  readonly name: string;
  readonly role: Role;
  readonly position: number;
  readonly attempt: number;
  readonly sandboxId: string;
  /** Milliseconds to wait after its end before the next attempt. */
  readonly backoffMs: number;
  /** As the spec named it when it was created. */
  readonly image: string;
  /** As the runtime names it. */
  readonly imageName: string;
  readonly imageRef: string;
  readonly graceSeconds: number;
  readonly createdAtMs: number;
  readonly state: ContainerInfo['state'];
  /** Somebody removed it: `state` is what was known or must be assumed. */
  readonly lost?: { readonly reason: string; readonly message: string };
}

export interface PodSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly ips: readonly string[];
}

/** What the runtime has of one pod. */
export interface ActualPod {
  readonly ref: PodRef;
  /** Newest first. */
  readonly sandboxes: readonly PodSandbox[];
  /** By the container's name in the spec, newest attempt first. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
}

/** What the runtime listed for one pod, in the engine's terms. Things whose labels make no sense are left out. */
export function toActualPod(ref: PodRef, sandboxes: Iterable<Sandbox>, containers: Iterable<ContainerInfo>): ActualPod {
  const attempts = new Map<string, Attempt[]>();
  for (const info of containers) {
    const attempt = toAttempt(info);
    if (!attempt) continue;
    const known = attempts.get(attempt.name);
    if (known) known.push(attempt);
    else attempts.set(attempt.name, [attempt]);
  }
  for (const list of attempts.values()) list.sort((a, b) => b.attempt - a.attempt);
  return {
    ref,
    sandboxes: [...sandboxes].map(toPodSandbox).sort((a, b) => b.attempt - a.attempt),
    attempts,
  };
}

export function nothingOf(ref: PodRef): ActualPod {
  return { ref, sandboxes: [], attempts: new Map() };
}

/** All attempts that run, in no order. */
export function runningAttempts(actual: ActualPod): readonly Attempt[] {
  return [...actual.attempts.values()].flat().filter(({ state }) => state.kind === 'running');
}

function toPodSandbox({ id, labels, ready, ips }: Sandbox): PodSandbox {
  return { id, attempt: Number(labels[labelKeys.attempt] ?? 0), ready, ips };
}

const roles: readonly Role[] = ['init', 'sidecar', 'main', 'ephemeral'];

function toAttempt({ id, labels, sandboxId, image, createdAtMs, state }: ContainerInfo): Attempt | undefined {
  const name = labels[labelKeys.containerName];
  const role = roles.find((known) => known === labels[labelKeys.role]);
  const attempt = Number(labels[labelKeys.attempt]);
  if (!podOf(labels) || !name || !role || !Number.isInteger(attempt)) return undefined;
  return {
    id,
    name,
    role,
    position: Number(labels[labelKeys.position] ?? 0),
    attempt,
    sandboxId,
    backoffMs: Number(labels[labelKeys.backoffMs] ?? 0),
    image: labels[labelKeys.image] ?? '',
    imageName: image,
    imageRef: labels[labelKeys.imageRef] ?? '',
    graceSeconds: Number(labels[labelKeys.graceSeconds] ?? 30),
    createdAtMs,
    state,
  };
}
