import type { Backoff } from '../../queue/backoff.ts';
import type { EngineContext } from '../engine-context.ts';
import type { HoldKey, TaskKey } from '../pod/notes.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import type { Prober } from '../prober/prober.ts';
import type { RuntimeView } from '../runtime-view.ts';
import type { StartTools } from '../start/start-container.ts';
import { isUnanswered } from '../unanswered.ts';

/** How long what failed is left alone: about what a kubelet's next look at the pod takes (`backOffPeriod`). */
export const retryMs = 10_000;
/** The same where the other side gave no answer, which says nothing about the pod. */
export const unansweredRetryMs = 1000;

export interface EffectKitOptions {
  readonly context: EngineContext;
  readonly view: RuntimeView;
  readonly prober: Prober;
  readonly tools: StartTools;
  /** By pod and image. */
  readonly pullBackoff: Backoff;
  /** Of volumes, by pod. */
  readonly mountBackoff: Backoff;
  /** Look at the pod again. */
  readonly wake: (uid: string) => void;
  /** Aborts when the engine ends. */
  readonly signal: AbortSignal;
}

/** What effects on pods share. */
export class EffectKit {
  readonly context: EngineContext;
  readonly view: RuntimeView;
  readonly prober: Prober;
  readonly tools: StartTools;
  readonly pullBackoff: Backoff;
  readonly mountBackoff: Backoff;
  readonly signal: AbortSignal;
  readonly #wake: (uid: string) => void;

  constructor({ context, view, prober, tools, pullBackoff, mountBackoff, wake, signal }: EffectKitOptions) {
    this.context = context;
    this.view = view;
    this.prober = prober;
    this.tools = tools;
    this.pullBackoff = pullBackoff;
    this.mountBackoff = mountBackoff;
    this.signal = signal;
    this.#wake = wake;
  }

  now(): number {
    return this.context.clock.now();
  }

  /** Does `work` beside everything else, and wakes the pod when it has ended; a failure after an abort is none. */
  task(
    memory: PodMemory,
    key: TaskKey,
    {
      work,
      failed,
    }: { readonly work: (signal: AbortSignal) => Promise<void>; readonly failed: (error: unknown) => void },
  ): void {
    const afterwards = (): void => this.#wake(memory.ref.uid);
    memory.busy.run(key, { signal: this.signal, afterwards }, async (signal) => {
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) failed(error);
      }
    });
  }

  record(
    memory: PodMemory,
    event: {
      readonly type: 'Normal' | 'Warning';
      readonly reason: string;
      readonly message: string;
      readonly fieldPath?: string;
    },
  ): void {
    this.context.recordEvent({ pod: memory.ref, ...event });
  }

  /** Leaves what failed alone for a while: so long where it says something about the pod. */
  hold(memory: PodMemory, key: HoldKey, error: unknown, delayMs: () => number = () => retryMs): void {
    memory.holds.set(key, { untilMs: this.now() + (isUnanswered(error) ? unansweredRetryMs : delayMs()) });
  }
}
