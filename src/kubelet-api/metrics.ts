import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Provider } from '../provider/provider.ts';
import { hasCode } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { Call, Handler } from './call.ts';
import type { PodSource } from './pod-source.ts';
import { cadvisorMetrics } from './usage/cadvisor-metrics.ts';
import { exposition, expositionType, type MetricFamily } from './usage/exposition.ts';
import { kubeletMetrics } from './usage/kubelet-metrics.ts';
import { probeMetrics } from './usage/probe-metrics.ts';
import { resourceMetrics, scrapeError } from './usage/resource-metrics.ts';
import type { UsageReader } from './usage/usage-reader.ts';

/** `/metrics/resource`. Where the provider fails, that is a metric too; where it knows nothing at all, it is 501. */
export function metricsResource(deps: {
  readonly usage: UsageReader;
  readonly startedAtMs: number;
  readonly log: Logger;
}): Handler {
  return async (call) => {
    const usage = await deps.usage.read().catch((error: unknown) => {
      if (hasCode(error, 'NotImplemented')) throw error;
      deps.log.warn('the usage of pods cannot be read', { error });
      return undefined;
    });
    await answerMetrics(call, usage === undefined ? scrapeError(1) : resourceMetrics(usage, deps));
  };
}

/** `/metrics/cadvisor`. */
export function metricsCadvisor(deps: { readonly usage: UsageReader; readonly pods: PodSource }): Handler {
  return async (call) => {
    const usage = await deps.usage.read();
    await answerMetrics(
      call,
      cadvisorMetrics(usage, (uid) => deps.pods.observed(uid)),
    );
  };
}

/** `/metrics/probes`; empty where the provider does not probe. */
export function metricsProbes(provider: Provider): Handler {
  return (call) => answerMetrics(call, probeMetrics(provider.probeCounts?.() ?? []));
}

/** `/metrics`: our own, as they are served at `--metrics-addr` too, and kubelet's of the node and its volumes. */
export function metricsOfKubelet(deps: {
  readonly own: () => Promise<string>;
  readonly usage: UsageReader;
  readonly nodeName: string;
}): Handler {
  return async (call) => {
    // Where usage is not to be had, the rest is served all the same.
    const [own, usage] = await Promise.all([deps.own(), deps.usage.read().catch(() => ({ pods: [] }))]);
    await answer(call, inTurn([own], exposition(kubeletMetrics(usage, deps))));
  };
}

function* inTurn(...parts: readonly Iterable<string>[]): Generator<string> {
  for (const part of parts) yield* part;
}

function answerMetrics(call: Call, families: Iterable<MetricFamily>): Promise<void> {
  return answer(call, exposition(families));
}

/** Compressed for whoever takes that, as Prometheus does: what ten thousand pods say repeats itself. */
async function answer({ request, response, signal }: Call, pieces: Iterable<string>): Promise<void> {
  const encodings = String(request.headers['accept-encoding'] ?? '').split(',');
  if (!encodings.some((encoding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$)|$)/.test(encoding))) {
    response.writeHead(200, { 'content-type': expositionType });
    await pipeline(pieces, response, { signal });
    return;
  }
  response.writeHead(200, { 'content-type': expositionType, 'content-encoding': 'gzip' });
  await pipeline(pieces, createGzip({ level: constants.Z_BEST_SPEED }), response, { signal });
}
