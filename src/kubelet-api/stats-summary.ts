import type { Handler } from './call.ts';
import { summaryOf } from './usage/summary.ts';
import type { UsageReader } from './usage/usage-reader.ts';

/** `/stats/summary`: what node, pods and containers use, as JSON. */
export function statsSummary(deps: {
  readonly usage: UsageReader;
  readonly nodeName: string;
  readonly startedAtMs: number;
}): Handler {
  return async ({ query, response }) => {
    const onlyCpuAndMemory = query.get('only_cpu_and_memory') === 'true';
    const summary = JSON.stringify(summaryOf(await deps.usage.read(), { ...deps, onlyCpuAndMemory }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(summary);
  };
}
