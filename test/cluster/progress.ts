/** Takes one line that tells a person what is being done. */
export type Progress = (line: string) => void;

const tellAgainAfterMs = 10_000;

/** Says what is being done, and how long it has taken so far for as long as it takes. */
export async function timed<T>(progress: Progress, what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  progress(`${what}…`);
  const timer = setInterval(() => progress(`${what}… ${elapsed()}`), tellAgainAfterMs);
  try {
    const result = await work();
    progress(`${what}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
