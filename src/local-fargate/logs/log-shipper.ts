import { open } from 'node:fs/promises';
import type { Runtime } from '../../runtime/runtime.ts';
import type { Clock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import type { ContainerDefinition } from '../ecs/container-definition.ts';
import type { Collection } from '../store/collection.ts';
import type { Task } from '../tasks/task.ts';
import { TaskFailure } from '../tasks/task-failure.ts';
import type { TaskLogs } from '../tasks/task-logs.ts';
import { nothingUnfinished, readCriLines, type Unfinished } from './cri-log.ts';
import type { LogStore } from './log-store.ts';

/** How often files are looked at. */
const pollMs = 500;
const chunkBytes = 256 * 1024;

/** How far a container's log has been copied; kept, so that a restart of ours neither loses nor repeats a line. */
export interface LogPosition {
  readonly runtimeId: string;
  readonly offsetBytes: number;
  readonly unfinished: Unfinished;
}

interface Source {
  readonly runtimeId: string;
  readonly group: string;
  readonly stream: string;
  path: string | undefined;
  /** The copying under way. */
  busy: Promise<void>;
}

/** The awslogs driver: copies what containers write into the log store. */
export class LogShipper implements TaskLogs {
  readonly #store: LogStore;
  readonly #positions: Collection<LogPosition>;
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #sources = new Map<string, Source>();
  /** Wakes the loop when there is a first source. */
  #wake: () => void = () => {};

  constructor(deps: {
    readonly store: LogStore;
    readonly positions: Collection<LogPosition>;
    readonly runtime: Runtime;
    readonly clock: Clock;
    readonly log: Logger;
  }) {
    this.#store = deps.store;
    this.#positions = deps.positions;
    this.#runtime = deps.runtime;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** Copies until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const source of [...this.#sources.values()]) await this.#copy(source);
      if (this.#sources.size === 0) await this.#firstSource(signal);
      else await this.#clock.sleep(pollMs, { signal }).catch(() => {});
    }
  }

  #firstSource(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }

  open(task: Task, container: ContainerDefinition): void {
    const target = targetOf(task, container);
    if (!target || this.#store.hasStream(target.group, target.stream)) return;
    if (!this.#store.hasGroup(target.group)) {
      if (!target.createGroup) {
        throw new TaskFailure(
          'ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: ' +
            'failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not ' +
            `exist. (${target.group}) : exit status 1`,
        );
      }
      this.#store.createGroup(target.group);
    }
    this.#store.createStream(target.group, target.stream);
  }

  follow(runtimeId: string, task: Task, container: ContainerDefinition): void {
    const target = targetOf(task, container);
    if (!target || this.#sources.has(runtimeId)) return;
    const { group, stream } = target;
    this.#sources.set(runtimeId, { runtimeId, group, stream, path: undefined, busy: Promise.resolve() });
    this.#wake();
  }

  async drain(runtimeId: string): Promise<void> {
    const source = this.#sources.get(runtimeId);
    if (source) await this.#copy(source);
    this.#sources.delete(runtimeId);
  }

  forget(runtimeId: string): void {
    this.#positions.delete(runtimeId);
  }

  /** One after the other for each file. */
  #copy(source: Source): Promise<void> {
    source.busy = source.busy.then(() =>
      this.#copyNow(source).catch((error: unknown) => {
        this.#log.warn("a container's output could not be read; trying again", { container: source.runtimeId, error });
      }),
    );
    return source.busy;
  }

  async #copyNow(source: Source): Promise<void> {
    const { signal } = new AbortController();
    try {
      source.path ??= await this.#runtime.logPath(source.runtimeId, { signal });
    } catch (error) {
      if (hasCode(error, 'NotFound')) return;
      throw error;
    }
    const file = await open(source.path).catch(() => undefined);
    if (!file) return;
    try {
      for (let more = true; more; ) {
        const position = this.#positions.get(source.runtimeId) ?? beginning(source.runtimeId);
        const { bytesRead, buffer } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position.offsetBytes);
        const wholeLines = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1);
        this.#take(source, position, wholeLines);
        more = bytesRead === chunkBytes && wholeLines.length > 0;
      }
    } finally {
      await file.close();
    }
  }

  #take(source: Source, position: LogPosition, wholeLines: Buffer): void {
    if (wholeLines.length === 0) return;
    const lines = wholeLines.toString('utf8').slice(0, -1).split('\n');
    const { events, unfinished } = readCriLines(lines, position.unfinished);
    const offsetBytes = position.offsetBytes + wholeLines.length;
    this.#store.append(source.group, source.stream, events, () =>
      this.#positions.set(source.runtimeId, { runtimeId: source.runtimeId, offsetBytes, unfinished }),
    );
  }
}

function beginning(runtimeId: string): LogPosition {
  return { runtimeId, offsetBytes: 0, unfinished: nothingUnfinished };
}

/** Where the output of a container goes; undefined where nothing was said of it, or another driver than awslogs. */
function targetOf(
  task: Task,
  { name, logConfiguration }: ContainerDefinition,
): { readonly group: string; readonly stream: string; readonly createGroup: boolean } | undefined {
  const options = logConfiguration?.logDriver === 'awslogs' ? logConfiguration.options : undefined;
  const group = options?.['awslogs-group'];
  if (options === undefined || group === undefined) return undefined;
  return {
    group,
    stream: `${options['awslogs-stream-prefix'] ?? 'ecs'}/${name}/${task.id}`,
    createGroup: options['awslogs-create-group'] === 'true',
  };
}
