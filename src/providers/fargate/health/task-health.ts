import type { Prober } from '../../../engine/prober/prober.ts';
import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';
import type { EcsContainer, EcsTask } from '../ecs/ecs-task.ts';
import type { PodRecord } from '../pods/pod-record.ts';
import { containerId, containerStartedAtMs } from '../status/container-end.ts';
import type { Health } from '../status/observe.ts';
import { roleOf } from '../status/role.ts';
import { execProbes } from '../translate/health-check.ts';

/**
 * What probes say of the containers of tasks: those over the network are tried by us, at the task's address; those that
 * run a command are ECS's health check, whose verdict comes with the task.
 */
export class TaskHealth {
  readonly #prober: Prober;
  /** Containers whose startup command has succeeded, by the pod's UID. */
  readonly #started = new Map<string, Set<string>>();

  constructor(prober: Prober) {
    this.#prober = prober;
  }

  /** Probes what runs of the pod, and nothing else of it. */
  attend({ ref, pod, task, isDeleted }: PodRecord): void {
    if (pod === undefined || task === undefined) return;
    const running = runningContainers(pod, task);
    this.#noteStarted(ref.uid, { pod, task, running });
    const patients = running.flatMap(({ container, fieldPath }) => {
      const id = containerId(task, container.name);
      const startedAtMs = containerStartedAtMs(task, roleOf(pod, container.name));
      const [ip] = task.privateIps;
      if (startedAtMs === undefined || ip === undefined || !this.#hasStarted(ref.uid, container, id)) return [];
      return [
        { id, ref, container: withoutExecProbes(container), ip, startedAtMs, fieldPath, known: knownOf(pod, id) },
      ];
    });
    this.#prober.attend(ref, patients, { deleting: isDeleted || task.desiredStatus === 'STOPPED' });
  }

  /** Of a container that runs. */
  of({ ref, pod, task }: PodRecord, name: string): Health {
    const container = task && pod && specContainer(pod, name);
    if (task === undefined || container === undefined) return { started: true, ready: true };
    const id = containerId(task, name);
    const network = this.#prober.verdict(id);
    const started = this.#hasStarted(ref.uid, container, id) && network.started;
    const readsHealth = execProbes(container).some(({ kind }) => kind === 'readiness');
    const isHealthy = !readsHealth || ecsContainer(task, name)?.health === 'HEALTHY';
    return { started, ready: started && network.ready && isHealthy };
  }

  /** Why the task is to be stopped, in kubelet's words; undefined where no probe says so. */
  failure(record: PodRecord): string | undefined {
    const { ref, pod, task } = record;
    if (pod === undefined || task === undefined) return undefined;
    for (const { container } of runningContainers(pod, task)) {
      const id = containerId(task, container.name);
      const kinds = execProbes(container).map(({ kind }) => kind);
      const hasStarted = this.#hasStarted(ref.uid, container, id);
      const isUnhealthy = ecsContainer(task, container.name)?.health === 'UNHEALTHY';
      const network = this.#prober.verdict(id);
      const lives = hasStarted && network.started;
      const byCommand = isUnhealthy && (lives ? kinds.includes('liveness') && 'liveness' : !hasStarted && 'startup');
      const failed = network.failed?.probe ?? (byCommand || undefined);
      if (failed) return `Container ${container.name} failed ${failed} probe, will be restarted`;
    }
    return undefined;
  }

  forget(record: PodRecord): void {
    this.#prober.forget(record.ref);
    this.#started.delete(record.ref.uid);
  }

  #hasStarted(uid: string, container: Container, id: string): boolean {
    if (!execProbes(container).some(({ kind }) => kind === 'startup')) return true;
    return this.#started.get(uid)?.has(id) ?? false;
  }

  /** Once it has, a startup command has succeeded for good, whatever the health check says later. */
  #noteStarted(
    uid: string,
    about: { readonly pod: Pod; readonly task: EcsTask; readonly running: readonly Running[] },
  ): void {
    const { pod, task, running } = about;
    const before = this.#started.get(uid);
    const started = running.flatMap(({ container }) => {
      const id = containerId(task, container.name);
      const isHealthy = ecsContainer(task, container.name)?.health === 'HEALTHY';
      return isHealthy || before?.has(id) || knownOf(pod, id)?.started ? [id] : [];
    });
    if (started.length > 0) this.#started.set(uid, new Set(started));
    else this.#started.delete(uid);
  }
}

interface Running {
  readonly container: Container;
  readonly fieldPath: string;
}

function runningContainers({ spec }: Pod, task: EcsTask): readonly Running[] {
  const isRunning = ({ name }: Container): boolean => ecsContainer(task, name)?.status === 'RUNNING';
  return [
    ...(spec?.initContainers ?? [])
      .filter(isSidecar)
      .map((container) => ({ container, fieldPath: `spec.initContainers{${container.name}}` })),
    ...(spec?.containers ?? []).map((container) => ({ container, fieldPath: `spec.containers{${container.name}}` })),
  ].filter(({ container }) => isRunning(container));
}

function ecsContainer(task: EcsTask, name: string): EcsContainer | undefined {
  return task.containers.find((each) => each.name === name);
}

function specContainer({ spec }: Pod, name: string): Container | undefined {
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find((each) => each.name === name);
}

function withoutExecProbes(container: Container): Container {
  const { startupProbe, livenessProbe, readinessProbe, ...rest } = container;
  return {
    ...rest,
    ...(startupProbe && !startupProbe.exec && { startupProbe }),
    ...(livenessProbe && !livenessProbe.exec && { livenessProbe }),
    ...(readinessProbe && !readinessProbe.exec && { readinessProbe }),
  };
}

/** What the status of the API server says of this very container. */
function knownOf(pod: Pod, id: string): { readonly started: boolean; readonly ready: boolean } | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const status = statuses.find(({ containerID }) => containerID === id);
  return status && { started: status.started === true, ready: status.ready };
}
