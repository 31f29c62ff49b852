import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Collection } from '../store/collection.ts';
import { defaultAttributes, type Message, type Queue } from './queue.ts';

/** Standard queues of SQS. */
export class QueueStore {
  readonly #queues: Collection<Queue>;
  readonly #messages: Collection<Message>;
  readonly #clock: Clock;
  /** Messages by queue, in the order in which they were sent. */
  readonly #byQueue = new Map<string, Set<string>>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(
    collections: { readonly queues: Collection<Queue>; readonly messages: Collection<Message> },
    clock: Clock,
  ) {
    this.#queues = collections.queues;
    this.#messages = collections.messages;
    this.#clock = clock;
    const stored = [...this.#messages.values()].sort((a, b) => a.sentAtMs - b.sentAtMs);
    for (const message of stored) this.#idsOf(message.queue).add(message.id);
  }

  find(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  /** By the last part of its URL. Throws `QueueDoesNotExist`. */
  byUrl(url: string): Queue {
    const queue = this.#queues.get(url.slice(url.lastIndexOf('/') + 1));
    if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  all(): readonly Queue[] {
    return [...this.#queues.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  create(name: string, attributes: Readonly<Record<string, string>>, tags: Readonly<Record<string, string>>): void {
    const nowMs = this.#clock.now();
    const all = { ...defaultAttributes, ...attributes };
    this.#queues.set(name, { name, createdAtMs: nowMs, changedAtMs: nowMs, attributes: all, tags });
  }

  delete({ name }: Queue): void {
    for (const id of [...this.#idsOf(name)]) this.#drop(id);
    this.#byQueue.delete(name);
    this.#queues.delete(name);
  }

  send(queue: Queue, body: string, delaySeconds?: number): Message {
    const nowMs = this.#clock.now();
    const delayMs = (delaySeconds ?? Number(queue.attributes['DelaySeconds'])) * 1000;
    const message: Message = {
      id: randomUUID(),
      queue: queue.name,
      body,
      sentAtMs: nowMs,
      visibleAtMs: nowMs + delayMs,
      receiveCount: 0,
    };
    this.#messages.set(message.id, message);
    this.#idsOf(queue.name).add(message.id);
    for (const wake of this.#waiting.get(queue.name) ?? []) wake();
    return message;
  }

  /** Up to `most` messages, hidden from others for a while; waits for the first one until the deadline. */
  async receive(
    queue: Queue,
    options: {
      readonly most: number;
      readonly visibilitySeconds: number;
      readonly waitMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<readonly Message[]> {
    const deadlineMs = this.#clock.now() + options.waitMs;
    for (;;) {
      const taken = this.#take(queue, options);
      if (taken.length > 0 || this.#clock.now() >= deadlineMs || options.signal.aborted) return taken;
      await this.#change(queue, deadlineMs, options.signal);
    }
  }

  /** Whether the handle was of a message; one that has been received again since keeps its message. */
  deleteMessage(queue: Queue, receiptHandle: string): void {
    const message = this.#byHandle(queue, receiptHandle);
    if (message) this.#drop(message.id);
  }

  changeVisibility(queue: Queue, receiptHandle: string, seconds: number): void {
    const message = this.#byHandle(queue, receiptHandle);
    if (!message) throw new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
    this.#messages.set(message.id, { ...message, visibleAtMs: this.#clock.now() + seconds * 1000 });
    for (const wake of this.#waiting.get(queue.name) ?? []) wake();
  }

  counts({ name }: Queue): { readonly visible: number; readonly inFlight: number; readonly delayed: number } {
    const nowMs = this.#clock.now();
    const counts = { visible: 0, inFlight: 0, delayed: 0 };
    for (const id of this.#idsOf(name)) {
      const message = this.#messages.get(id);
      if (!message) continue;
      if (message.visibleAtMs <= nowMs) counts.visible++;
      else if (message.receiveCount > 0) counts.inFlight++;
      else counts.delayed++;
    }
    return counts;
  }

  /** Drops messages that are older than their queue keeps them. */
  sweep(): void {
    for (const queue of this.#queues.values()) {
      const beforeMs = this.#clock.now() - Number(queue.attributes['MessageRetentionPeriod']) * 1000;
      for (const id of [...this.#idsOf(queue.name)]) {
        if ((this.#messages.get(id)?.sentAtMs ?? 0) < beforeMs) this.#drop(id);
      }
    }
  }

  #take(queue: Queue, options: { readonly most: number; readonly visibilitySeconds: number }): readonly Message[] {
    const nowMs = this.#clock.now();
    const taken: Message[] = [];
    for (const id of this.#idsOf(queue.name)) {
      const message = this.#messages.get(id);
      if (!message || message.visibleAtMs > nowMs) continue;
      const received: Message = {
        ...message,
        visibleAtMs: nowMs + options.visibilitySeconds * 1000,
        receiveCount: message.receiveCount + 1,
        firstReceivedAtMs: message.firstReceivedAtMs ?? nowMs,
        receiptHandle: `${message.id}.${randomBytes(16).toString('hex')}`,
      };
      this.#messages.set(id, received);
      taken.push(received);
      if (taken.length === options.most) break;
    }
    return taken;
  }

  #change(queue: Queue, deadlineMs: number, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(queue.name) ?? new Set();
    this.#waiting.set(queue.name, waiting);
    // Also when the first hidden message comes back.
    const visibleAgain = [...this.#idsOf(queue.name)].map((id) => this.#messages.get(id)?.visibleAtMs ?? deadlineMs);
    const untilMs = Math.min(deadlineMs, ...visibleAgain);
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        waiting.delete(end);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#clock.after(untilMs - this.#clock.now(), end);
      waiting.add(end);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  #byHandle(queue: Queue, receiptHandle: string): Message | undefined {
    const message = this.#messages.get(receiptHandle.split('.')[0] ?? '');
    return message?.queue === queue.name && message.receiptHandle === receiptHandle ? message : undefined;
  }

  #drop(id: string): void {
    const message = this.#messages.get(id);
    if (message) this.#idsOf(message.queue).delete(id);
    this.#messages.delete(id);
  }

  #idsOf(queue: string): Set<string> {
    const ids = this.#byQueue.get(queue) ?? new Set();
    this.#byQueue.set(queue, ids);
    return ids;
  }
}
