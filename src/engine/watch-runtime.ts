import { backoffDelayMs } from '../queue/backoff.ts';
import type { LabelFilter, Runtime, RuntimeEvent } from '../runtime/runtime.ts';
import { isAbortOf } from '../support/abort.ts';
import type { Clock } from '../support/clock.ts';
import { messageOf } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { RuntimeView } from './runtime-view.ts';

export interface WatchRuntimeOptions {
  readonly runtime: Runtime;
  readonly filter: LabelFilter;
  readonly view: RuntimeView;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often everything is listed although events say nothing, in milliseconds. */
  readonly resyncMs: number;
  /** Everything was listed: the view is true from now on. */
  readonly onListed: () => Promise<void>;
  /** It is of the past. */
  readonly onLost: () => void;
  readonly signal: AbortSignal;
}

const reconnect = { baseMs: 250, capMs: 10_000 };

/**
 * Keeps the view true until the signal aborts: listens, lists everything once, then follows events. While the runtime
 * does not answer the view is of the past, which `onLost` says.
 */
export async function watchRuntime(options: WatchRuntimeOptions): Promise<void> {
  const { clock, log, signal } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await followOnce(options, () => {
        if (failures > 0) log.info('the container runtime answers again');
        failures = 0;
      });
    } catch (error) {
      if (isAbortOf(signal, error)) return;
      if (failures === 0) log.warn('the container runtime does not answer', { error });
      else log.debug('the container runtime still does not answer', { message: messageOf(error) });
    }
    options.onLost();
    await clock.sleep(backoffDelayMs(failures++, reconnect), { signal }).catch(() => {});
  }
}

/** One connection: from listening to its end. Listens first, so that nothing is missed between list and events. */
async function followOnce(options: WatchRuntimeOptions, onAnswer: () => void): Promise<void> {
  const { runtime, filter, view, resyncMs, clock } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const events = runtime.events(filter, { signal })[Symbol.asyncIterator]();
  const next = (): Promise<IteratorResult<RuntimeEvent>> => {
    const event = events.next();
    event.catch(() => {});
    return event;
  };
  try {
    let event = next();
    await view.relist({ signal });
    await options.onListed();
    onAnswer();
    let resync = clock.sleep(resyncMs, { signal });
    for (;;) {
      const heard = await Promise.race([event, resync]);
      if (heard === undefined) {
        await view.relist({ signal });
        await options.onListed();
        resync = clock.sleep(resyncMs, { signal });
      } else if (heard.done) {
        return;
      } else {
        view.hear(heard.value);
        event = next();
      }
    }
  } finally {
    stop.abort(new Error('this connection is over'));
  }
}
