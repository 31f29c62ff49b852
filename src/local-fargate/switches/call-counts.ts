/** How often each operation was called, and how often it was throttled or refused. */
export class CallCounts {
  readonly #counts = new Map<string, { calls: number; throttled: number; refused: number }>();

  count(operation: string, refusedWith: string | undefined): void {
    const counts = this.#counts.get(operation) ?? { calls: 0, throttled: 0, refused: 0 };
    counts.calls++;
    if (refusedWith === 'ThrottlingException') counts.throttled++;
    else if (refusedWith !== undefined) counts.refused++;
    this.#counts.set(operation, counts);
  }

  all(): Readonly<Record<string, { readonly calls: number; readonly throttled: number; readonly refused: number }>> {
    return Object.fromEntries(this.#counts);
  }

  clear(): void {
    this.#counts.clear();
  }
}
