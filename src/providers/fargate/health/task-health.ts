import type { Prober } from '../../../engine/prober/prober.ts';
import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { isSidecar } from '../../../podspec/containers.ts';
import type { Clock } from '../../../support/clock.ts';
import type { EcsContainer, EcsTask } from '../ecs/ecs-task.ts';
import type { PodRecord } from '../pods/pod-record.ts';
import { containerId, containerStartedAtMs } from '../status/container-end.ts';
import type { Health } from '../status/observe.ts';
import { roleOf } from '../status/role.ts';
import { execProbes, healthCheckOf } from '../translate/health-check.ts';

/** A container that its startup probe has let through. */
interface Start {
  readonly atMs: number;
  /** Whether ECS's health check has succeeded since. */
  readonly wasHealthy: boolean;
}

/**
 * What probes say of the containers of tasks: those over the network are tried by us, at the task's address; those that
 * run a command are ECS's health check, whose verdict comes with the task.
 */
export class TaskHealth {
  readonly #prober: Pick<Prober, 'attend' | 'verdict' | 'forget'>;
  readonly #clock: Clock;
  /** By the pod's UID and the container's ID. Once it has, a container has started for good. */
  readonly #starts = new Map<string, ReadonlyMap<string, Start>>();

  constructor({
    prober,
    clock,
  }: {
    readonly prober: Pick<Prober, 'attend' | 'verdict' | 'forget'>;
    readonly clock: Clock;
  }) {
    this.#prober = prober;
    this.#clock = clock;
  }

  /** Probes what runs of the pod, and nothing else of it. */
  attend({ ref, pod, task, isDeleted }: PodRecord): void {
    if (pod === undefined || task === undefined) return;
    const running = runningContainers(pod, task);
    this.#noteCommandStarts(ref.uid, { pod, task, running });
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
    this.#noteNetworkStarts(
      ref.uid,
      patients.filter(({ container }) => container.startupProbe).map(({ id }) => id),
    );
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
  failure({ ref, pod, task }: PodRecord): string | undefined {
    if (pod === undefined || task === undefined) return undefined;
    for (const { container } of runningContainers(pod, task)) {
      const failed =
        this.#prober.verdict(containerId(task, container.name)).failed?.probe ??
        this.#failedCommand(ref.uid, container, task);
      if (failed) return `Container ${container.name} failed ${failed} probe, will be restarted`;
    }
    return undefined;
  }

  /** When an unhealthy container fails for that alone; undefined where there is none that does not yet. */
  failsAtMs({ ref, pod, task }: PodRecord): number | undefined {
    if (pod === undefined || task === undefined) return undefined;
    const times = runningContainers(pod, task).flatMap(({ container: { name }, container }) => {
      const isUnhealthy = ecsContainer(task, name)?.health === 'UNHEALTHY';
      const atMs = this.#countsFromMs(ref.uid, container, containerId(task, name));
      return isUnhealthy && atMs > this.#clock.now() && atMs < Number.POSITIVE_INFINITY ? [atMs] : [];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  forget(record: PodRecord): void {
    this.#prober.forget(record.ref);
    this.#starts.delete(record.ref.uid);
  }

  /** The probe that ECS's health check failed for. */
  #failedCommand(uid: string, container: Container, task: EcsTask): 'startup' | 'liveness' | undefined {
    if (ecsContainer(task, container.name)?.health !== 'UNHEALTHY') return undefined;
    const id = containerId(task, container.name);
    if (!this.#hasStarted(uid, container, id)) return 'startup';
    const isLiveness = execProbes(container).some(({ kind }) => kind === 'liveness');
    return isLiveness && this.#clock.now() >= this.#countsFromMs(uid, container, id) ? 'liveness' : undefined;
  }

  /**
   * From when on being unhealthy speaks against the container. ECS checks it from its first second on, Kubernetes once it
   * has started: where we probe its start, a verdict of before does not count, which stands until the check succeeds or
   * has had the time to fail anew.
   */
  #countsFromMs(uid: string, container: Container, id: string): number {
    if (container.startupProbe === undefined || container.startupProbe.exec) return 0;
    const start = this.#starts.get(uid)?.get(id);
    const health = healthCheckOf(container);
    if (start === undefined || health.kind !== 'check') return Number.POSITIVE_INFINITY;
    const { retries = 0, interval = 0 } = health.check;
    return start.wasHealthy ? start.atMs : start.atMs + retries * interval * 1000;
  }

  #hasStarted(uid: string, container: Container, id: string): boolean {
    return !container.startupProbe?.exec || (this.#starts.get(uid)?.has(id) ?? false);
  }

  /** Keeps the starts of what runs, and adds those of which ECS's health check tells. */
  #noteCommandStarts(
    uid: string,
    about: { readonly pod: Pod; readonly task: EcsTask; readonly running: readonly Running[] },
  ): void {
    const { pod, task, running } = about;
    const before = this.#starts.get(uid);
    const starts = new Map<string, Start>();
    for (const { container } of running) {
      const id = containerId(task, container.name);
      const isHealthy = ecsContainer(task, container.name)?.health === 'HEALTHY';
      const hasJustStarted = container.startupProbe?.exec && (isHealthy || knownOf(pod, id)?.started);
      const start = before?.get(id) ?? (hasJustStarted ? { atMs: this.#clock.now(), wasHealthy: true } : undefined);
      if (start !== undefined) starts.set(id, isHealthy && !start.wasHealthy ? { ...start, wasHealthy: true } : start);
    }
    this.#keep(uid, starts);
  }

  #noteNetworkStarts(uid: string, ids: readonly string[]): void {
    const starts = new Map(this.#starts.get(uid));
    for (const id of ids) {
      if (starts.has(id) || !this.#prober.verdict(id).started) continue;
      starts.set(id, { atMs: this.#clock.now(), wasHealthy: false });
    }
    this.#keep(uid, starts);
  }

  #keep(uid: string, starts: ReadonlyMap<string, Start>): void {
    if (starts.size > 0) this.#starts.set(uid, starts);
    else this.#starts.delete(uid);
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
