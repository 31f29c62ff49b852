import type { LoggedRequest } from './fake-api-request.ts';

/** What goes wrong with a request. */
export type Fault =
  | { readonly kind: 'status'; readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** The connection is cut before the request is done, or after it and before its answer. */
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' }
  /** No answer, and none on this connection any more; it stays open. */
  | { readonly kind: 'hang' };

export interface FaultRule {
  readonly fault: Fault;
  /** Which requests; default all. */
  readonly matches?: (request: LoggedRequest) => boolean;
  /** How often; default once. */
  readonly times?: number;
}

/** The rules of what goes wrong, first come first used. */
export class FaultRules {
  #rules: { readonly rule: FaultRule; left: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, left: rule.times ?? 1 });
  }

  clear(): void {
    this.#rules = [];
  }

  take(request: LoggedRequest): Fault | undefined {
    const found = this.#rules.find(({ rule }) => rule.matches?.(request) ?? true);
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#rules = this.#rules.filter((rule) => rule !== found);
    return found.rule.fault;
  }
}

/** Whether bytes pass, by connection. */
export class Ice {
  #all: Promise<void> | undefined;
  #melt: (() => void) | undefined;
  #open = Promise.resolve();
  #frozen = new WeakSet<object>();

  freezeAll(): void {
    this.#all ??= new Promise((resolve) => {
      this.#melt = resolve;
    });
  }

  /** Freezes one connection for good. */
  freeze(socket: object): void {
    this.#frozen.add(socket);
  }

  thaw(): void {
    this.#melt?.();
    this.#all = undefined;
  }

  /** Resolves when bytes may pass on `socket`: at once, after `thaw`, or never. */
  passable(socket: object): Promise<void> {
    return this.#frozen.has(socket) ? new Promise(() => {}) : (this.#all ?? this.#open);
  }
}
