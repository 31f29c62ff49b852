import type { ObservedTerminated } from '../../../podspec/status/observed.ts';
import { type EcsContainer, type EcsTask, taskId } from '../ecs/ecs-task.ts';
import type { Role } from './role.ts';

/** What a stopped container has come to. */
export type ContainerEnd =
  /** It was made and ran, or its process could not be started: it has an exit code. */
  | { readonly kind: 'terminated'; readonly terminated: ObservedTerminated }
  /** Its turn never came, for reasons of other containers. */
  | { readonly kind: 'not-reached' }
  /** It could not be made: kubelet's word, and ECS's text. */
  | { readonly kind: 'not-made'; readonly reason: string; readonly message: string };

/** A container's name in Kubernetes' status. */
export function containerId(task: EcsTask, name: string): string {
  return `ecs://${taskId(task.arn)}/${name}`;
}

/** Reads the end of a container of status STOPPED. */
export function containerEnd(task: EcsTask, container: EcsContainer, role: Role): ContainerEnd {
  const { reason = '', runtimeId, exitCode } = container;
  if (reason.includes('dependency graph')) return { kind: 'not-reached' };
  if (reason.startsWith('CannotStartContainerError')) {
    return terminated(task, container, role, {
      exitCode: exitCode ?? startErrorCode,
      reason: 'StartError',
      message: reason,
    });
  }
  if (runtimeId === undefined && exitCode === undefined) return notMade(task, container);
  if (exitCode === undefined) {
    return terminated(task, container, role, {
      exitCode: unknownCode,
      reason: 'ContainerStatusUnknown',
      message: reason,
    });
  }
  if (/OutOfMemory/i.test(reason)) {
    return terminated(task, container, role, { exitCode, reason: 'OOMKilled', message: reason });
  }
  return terminated(task, container, role, {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    message: reason,
  });
}

/** containerd's, which kubelet shows, where a process could not be started. */
const startErrorCode = 128;
/** kubelet's for a container whose end nobody saw. */
const unknownCode = 137;

function terminated(
  task: EcsTask,
  { name }: EcsContainer,
  role: Role,
  end: { readonly exitCode: number; readonly reason: string; readonly message: string },
): ContainerEnd {
  const { exitCode, reason, message } = end;
  const startedAtMs = containerStartedAtMs(task, role);
  const finishedAtMs = role === 'init' ? (task.startedAtMs ?? endedAtMs(task)) : endedAtMs(task);
  return {
    kind: 'terminated',
    terminated: {
      kind: 'terminated',
      exitCode,
      reason,
      ...(message !== '' && { message }),
      ...(exitCode > 128 && exitCode < 160 && { signal: exitCode - 128 }),
      ...(startedAtMs !== undefined && { startedAtMs }),
      ...(finishedAtMs !== undefined && { finishedAtMs: Math.max(finishedAtMs, startedAtMs ?? 0) }),
      containerId: containerId(task, name),
    },
  };
}

/**
 * When a container started, as far as ECS tells: it has times of the task alone. The images were there first, then the
 * init containers ran, and when all had started the task was RUNNING.
 */
export function containerStartedAtMs(task: EcsTask, role: Role): number | undefined {
  return role === 'main' ? task.startedAtMs : (task.pullStoppedAtMs ?? task.createdAtMs);
}

/** When the containers of a task ended, as far as ECS tells. */
export function endedAtMs(task: EcsTask): number | undefined {
  return task.executionStoppedAtMs ?? task.stoppingAtMs ?? task.stoppedAtMs;
}

/** ECS's errors by how they begin, in kubelet's words. */
const startErrors: readonly (readonly [RegExp, string])[] = [
  [/CannotPull\w*Error|ImagePull|pull image|PullFailed/, 'ErrImagePull'],
  [/CannotCreateContainerError/, 'CreateContainerError'],
  [/CannotInspectContainerError|ContainerRuntime\w*Error/, 'RunContainerError'],
  [/ResourceInitializationError/, 'ResourceInitializationError'],
];

function notMade(task: EcsTask, container: EcsContainer): ContainerEnd {
  const text = container.reason ?? task.stoppedReason ?? '';
  const reason = startErrors.find(([pattern]) => pattern.test(text))?.[1];
  // A pull that failed is told of the task, and is about the containers of that image.
  const isOfOther =
    reason === 'ErrImagePull' && container.reason === undefined && namesAnotherImage(text, task, container);
  if (isOfOther) return { kind: 'not-reached' };
  if (reason !== undefined) return { kind: 'not-made', reason, message: text };
  if (task.stopCode === 'TaskFailedToStart') return { kind: 'not-made', reason: 'TaskFailedToStart', message: text };
  return { kind: 'not-reached' };
}

function namesAnotherImage(text: string, task: EcsTask, { image }: EcsContainer): boolean {
  const isNamed = (name: string): boolean => text.includes(name);
  return !isNamed(image) && task.containers.some((other) => other.image !== image && isNamed(other.image));
}
