import type { Runtime } from '../../runtime/runtime.ts';
import type { Clock } from '../../support/clock.ts';
import type { ContainerDefinition } from '../ecs/container-definition.ts';
import { watchHealth } from './health-check.ts';
import type { HealthStatus, Task } from './task.ts';

/** The health checks of one task: one watcher for each running container that has a check. */
export class HealthWatch {
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #tell: (container: string, status: HealthStatus) => void;
  readonly #watched = new Map<string, { readonly runtimeId: string; readonly abort: AbortController }>();

  constructor(options: {
    readonly runtime: Runtime;
    readonly clock: Clock;
    readonly tell: (container: string, status: HealthStatus) => void;
  }) {
    this.#runtime = options.runtime;
    this.#clock = options.clock;
    this.#tell = options.tell;
  }

  /** Brings the watchers in line with what runs. */
  follow(task: Task, definitions: readonly ContainerDefinition[]): void {
    for (const { name, healthCheck } of definitions) {
      if (!healthCheck) continue;
      const container = task.containers.find((it) => it.name === name);
      const { runtimeId, startedAtMs, lastStatus } = container ?? {};
      const watched = this.#watched.get(name);
      const runs = lastStatus === 'RUNNING' && runtimeId !== undefined && startedAtMs !== undefined;
      if (watched && (!runs || watched.runtimeId !== runtimeId)) {
        watched.abort.abort(new Error('the container has ended'));
        this.#watched.delete(name);
      }
      if (!runs || this.#watched.has(name)) continue;
      const abort = new AbortController();
      this.#watched.set(name, { runtimeId, abort });
      void watchHealth(
        healthCheck,
        { id: runtimeId, startedAtMs },
        {
          runtime: this.#runtime,
          clock: this.#clock,
          signal: abort.signal,
          tell: (status) => this.#tell(name, status),
        },
      );
    }
  }

  stop(): void {
    for (const { abort } of this.#watched.values()) abort.abort(new Error('the task ends'));
    this.#watched.clear();
  }
}
