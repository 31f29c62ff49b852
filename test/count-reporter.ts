import type { TestEvent } from 'node:test/reporters';

/** What a run counted, over all files. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Ends with one JSON object: `Counts`. */
export default async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue;
    const { counts } = event.data;
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
    yield JSON.stringify({ passed: counts.passed, failed } satisfies Counts);
  }
}
