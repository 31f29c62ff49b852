import type { Runtime, RuntimeEvent } from '../../runtime/runtime.ts';
import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import { labels } from './labels.ts';

/** How long to wait before listening again after the runtime's stream broke. */
const reconnectMs = 1000;

/**
 * Listens to the runtime until the signal aborts, and tells which task to look at; all of them whenever events may have
 * been lost. Never rejects.
 */
export async function watchContainers(
  runtime: Runtime,
  instance: string,
  options: {
    readonly signal: AbortSignal;
    readonly clock: Clock;
    readonly log: Logger;
    readonly changed: (taskId: string) => void;
    readonly allChanged: () => void;
  },
): Promise<void> {
  const { signal, clock, log } = options;
  while (!signal.aborted) {
    try {
      const events = runtime.events({ [labels.instance]: instance }, { signal })[Symbol.asyncIterator]();
      let next: Promise<IteratorResult<RuntimeEvent>> = events.next();
      // We listen now: what happened before is seen by looking.
      options.allChanged();
      for (let result = await next; !result.done; result = await next) {
        next = events.next();
        const taskId = result.value.labels[labels.task];
        if (taskId !== undefined) options.changed(taskId);
      }
      throw new CodedError('Unavailable', 'the stream of events ended');
    } catch (error) {
      if (signal.aborted) return;
      log.warn('the events of the container engine are not heard; listening again', { error });
      await clock.sleep(reconnectMs, { signal }).catch(() => {});
    }
  }
}
