/** What goes back to a caller. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The code of a refusal, for the log and the counters. */
  readonly refusedWith?: string;
  /** What went wrong on our side, for the log alone. */
  readonly failure?: unknown;
}
