import type { PodRef } from '../kubernetes/objects.ts';
import { Backoff } from '../queue/backoff.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import type { Clock } from '../support/clock.ts';
import { hasCode, isRetryable } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { type ApiClient, events } from './client.ts';
import {
  EventCorrelator,
  type EventInput,
  type EventSeries,
  eventOf,
  type InvolvedObject,
} from './event-correlator.ts';

export interface EventRecorderOptions {
  readonly client: ApiClient;
  /** `kubelet`, or the name of the controller. */
  readonly component: string;
  /** The node's name. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A pod, or the part of it that `fieldPath` names, as events name it. */
export function involvedPod({ namespace, name, uid }: PodRef, fieldPath?: string): InvolvedObject {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, ...(fieldPath === undefined ? {} : { fieldPath }) };
}

/** A node as kubelet names it in events: its name stands for its UID, and `kubectl describe node` looks for that. */
export function involvedNode(name: string): InvolvedObject {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}

const maxWaiting = 8192;
const writers = 4;
/** client-go's tools/record gives an event up after so many tries. */
const maxTries = 12;

/**
 * Writes events to the API server, each repeat as a higher count of the same event. Recording costs no request and
 * never waits; what happened several times before it could be written is written once. Where more than 8,192 wait,
 * the oldest are dropped.
 */
export class EventRecorder {
  readonly #client: ApiClient;
  readonly #source: { readonly component: string; readonly host: string };
  readonly #log: Logger;
  readonly #correlator: EventCorrelator;
  readonly #backoff: Backoff;
  readonly #queue: WorkQueue;
  /** By series, the longest waiting first. */
  readonly #waiting = new Map<string, EventSeries>();
  #onIdle: (() => void)[] = [];
  #dropped = 0;
  #hasWarned = false;

  constructor({ client, component, host, clock, random, log }: EventRecorderOptions) {
    this.#client = client;
    this.#source = { component, host };
    this.#log = log;
    this.#correlator = new EventCorrelator(clock);
    this.#backoff = new Backoff({ baseMs: 1000, capMs: 30_000 }, { clock, random });
    this.#queue = new WorkQueue({
      clock,
      backoff: this.#backoff,
      onError: (key, error, retryAfterMs) => this.#onError(key, error, retryAfterMs),
    });
  }

  /** Events dropped because too many waited or the API server would not take them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes an event. Never throws and never waits. */
  record(input: EventInput): void {
    const series = this.#correlator.correlate(input);
    if (series === undefined) return;
    this.#waiting.set(series.key, series);
    if (this.#waiting.size > maxWaiting) this.#dropOldest();
    this.#queue.add(series.key);
  }

  /** Writes what is recorded until the signal aborts, then resolves when the requests under way have ended. */
  run(signal: AbortSignal): Promise<void> {
    return this.#queue.run({ workers: writers, signal, process: (key) => this.#process(key, signal) });
  }

  /** Resolves when everything recorded is written, or when the signal aborts. */
  flush(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
      this.#noteIdle();
    });
  }

  async #process(key: string, signal: AbortSignal): Promise<void> {
    const series = this.#waiting.get(key);
    if (series !== undefined) {
      const { count } = series;
      await this.#write(series, signal);
      if (series.count === count) this.#waiting.delete(key);
    }
    this.#noteIdle();
  }

  async #write(series: EventSeries, signal: AbortSignal): Promise<void> {
    if (series.isCreated) {
      const { namespace, name, count, lastTimestamp, message } = series;
      const patch = { count, lastTimestamp, message };
      try {
        await this.#client.patch(events, { namespace, name }, patch, { type: 'merge', signal });
        return;
      } catch (error) {
        // events live for an hour: begin it anew
        if (!hasCode(error, 'NotFound')) throw error;
        series.isCreated = false;
      }
    }
    try {
      await this.#client.create(events, eventOf(series, this.#source), { signal });
    } catch (error) {
      // our own earlier try, whose answer was cut off
      if (!hasCode(error, 'AlreadyExists')) throw error;
    }
    series.isCreated = true;
  }

  #onError(key: string, error: unknown, retryAfterMs: number | undefined): void {
    const isHopeless = !isRetryable(error) || hasCode(error, 'NotFound') || hasCode(error, 'Forbidden');
    if (retryAfterMs !== undefined && !isHopeless && this.#backoff.failures(key) < maxTries) return;
    const series = this.#waiting.get(key);
    this.#waiting.delete(key);
    this.#backoff.reset(key);
    this.#dropped += 1;
    this.#log.debug('An event could not be written', { error, event: series?.name, reason: series?.input.reason });
    this.#noteIdle();
  }

  #dropOldest(): void {
    const [oldest = ''] = this.#waiting.keys();
    this.#waiting.delete(oldest);
    if (!this.#hasWarned) {
      this.#hasWarned = true;
      this.#log.warn(`More than ${maxWaiting} events wait to be written; the oldest are dropped`);
    }
    this.#dropped += 1;
  }

  #noteIdle(): void {
    if (this.#waiting.size > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
