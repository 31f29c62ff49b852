interface Counts {
  calls: number;
  throttled: number;
  refused: number;
}

/** How often each operation was called, and how often it was throttled or refused. */
export class CallCounts {
  readonly #operations: readonly string[];
  #counts: Map<string, Counts>;

  /** Of all operations that there are, as `service:Operation`. */
  constructor(operations: readonly string[]) {
    this.#operations = operations;
    this.#counts = none(operations);
  }

  count(operation: string, refusedWith: string | undefined): void {
    const counts = this.#counts.get(operation);
    if (!counts) return;
    counts.calls++;
    if (refusedWith === 'ThrottlingException') counts.throttled++;
    else if (refusedWith !== undefined) counts.refused++;
  }

  all(): Readonly<Record<string, Readonly<Counts>>> {
    return Object.fromEntries(this.#counts);
  }

  clear(): void {
    this.#counts = none(this.#operations);
  }
}

function none(operations: readonly string[]): Map<string, Counts> {
  return new Map(operations.map((name) => [name, { calls: 0, throttled: 0, refused: 0 }]));
}
