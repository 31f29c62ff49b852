import type { Runtime } from '../../runtime/runtime.ts';

/** Calls whose answer is lost to a process that is killed. */
type Call = (...args: readonly unknown[]) => unknown;

/** What becomes of the call at which the process dies: nothing, what was asked, or that when the next process runs. */
export type LastCall = 'lost' | 'done' | 'late';

/** A runtime as a process sees it that is killed at its n-th call from now. No call of it gets an answer afterwards. */
export class CrashingRuntime {
  readonly runtime: Runtime;
  readonly crashed: Promise<void>;
  #callsLeft = Number.POSITIVE_INFINITY;
  #lastCall: LastCall = 'lost';
  #isDead = false;
  #crash!: () => void;
  readonly #later: (carryOut: () => void) => void;

  constructor(real: Runtime, later: (carryOut: () => void) => void) {
    this.#later = later;
    this.crashed = new Promise((resolve) => {
      this.#crash = resolve;
    });
    this.runtime = new Proxy(real, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]) => this.#call((value as Call).bind(target), args, property === 'events');
      },
    });
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Lets the process die at its `calls`-th call. */
  arm(calls: number, lastCall: LastCall): void {
    this.#callsLeft = calls;
    this.#lastCall = lastCall;
  }

  #kill(): void {
    this.#isDead = true;
    this.#crash();
  }

  #call(call: Call, args: readonly unknown[], isStream: boolean): unknown {
    if (isStream) return call(...args);
    if (!this.#isDead && --this.#callsLeft <= 0) {
      const carryOut = (): void => void Promise.resolve(call(...args)).catch(() => {});
      if (this.#lastCall === 'done') carryOut();
      if (this.#lastCall === 'late') this.#later(carryOut);
      this.#kill();
    }
    return this.#isDead ? new Promise(() => {}) : call(...args);
  }
}
