/** What went wrong in a person's words: the message, and those of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\n  because: ${describeError(error.cause)}`;
  return error.message + cause;
}
