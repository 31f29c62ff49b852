import type { TestEvent } from 'node:test/reporters';

/** What a run counted, over all files and in those where something failed. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly failedFiles: readonly { readonly file: string; readonly passed: number; readonly failed: number }[];
}

/** Ends with one JSON object: `Counts`. */
export default async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failedFiles: Counts['failedFiles'][number][] = [];
  for await (const event of source) {
    if (event.type !== 'test:summary') continue;
    const { file, counts } = event.data;
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
    if (file === undefined) yield JSON.stringify({ passed: counts.passed, failed, failedFiles } satisfies Counts);
    else if (failed > 0) failedFiles.push({ file, passed: counts.passed, failed });
  }
}
