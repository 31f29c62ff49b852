import type { Provider } from '../provider/provider.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { attach } from './attach.ts';
import type { Subresource } from './authorization.ts';
import type { Handler } from './call.ts';
import { containerLogs } from './container-logs.ts';
import { exec } from './exec.ts';
import { type HealthCheck, healthz, healthzCheck } from './healthz.ts';
import { metricsCadvisor, metricsOfProcess, metricsProbes, metricsResource } from './metrics.ts';
import type { PodSource } from './pod-source.ts';
import { pods } from './pods.ts';
import { portForward } from './port-forward.ts';
import type { Route } from './router.ts';
import { runningPods } from './running-pods.ts';
import { statsSummary } from './stats-summary.ts';
import type { StreamTimeouts } from './streams/timeouts.ts';
import { UsageReader } from './usage/usage-reader.ts';

/** What the answers are made of. */
export interface RouteDeps {
  readonly pods: PodSource;
  readonly provider: Provider;
  readonly syncLoop: HealthCheck;
  readonly timeouts: StreamTimeouts;
  readonly nodeName: string;
  /** Our own metrics in Prometheus' text format, for `/metrics`; undefined where they are served elsewhere only. */
  readonly metrics?: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Everything that is served, and the right that opens it: kubelet's paths and kubelet's subresources. */
export function routes(deps: RouteDeps): readonly Route[] {
  const usage = new UsageReader(deps);
  const measured = { ...deps, usage, startedAtMs: deps.clock.now() };
  const checks = { ping: () => undefined, syncloop: deps.syncLoop };
  const health: readonly Subresource[] = ['healthz', 'proxy'];
  const podsRight: readonly Subresource[] = ['pods', 'proxy'];
  return [
    get('/healthz', health, healthz(checks)),
    get('/healthz/ping', health, healthzCheck(checks.ping)),
    get('/healthz/syncloop', health, healthzCheck(checks.syncloop)),
    get('/pods', podsRight, pods(deps.pods)),
    get('/runningpods', podsRight, runningPods(deps.provider)),
    get('/stats/summary', ['stats'], statsSummary(measured)),
    ...(deps.metrics === undefined ? [] : [get('/metrics', ['metrics'], metricsOfProcess(deps.metrics))]),
    get('/metrics/resource', ['metrics'], metricsResource(measured)),
    get('/metrics/cadvisor', ['metrics'], metricsCadvisor(measured)),
    get('/metrics/probes', ['metrics'], metricsProbes(deps.provider)),
    { ...get('/containerLogs/:namespace/:pod/:container', ['proxy'], containerLogs(deps)), longLived: true },
    stream('/exec/:namespace/:pod/:container', exec(deps)),
    stream('/exec/:namespace/:pod/:uid/:container', exec(deps)),
    stream('/attach/:namespace/:pod/:container', attach(deps)),
    stream('/attach/:namespace/:pod/:uid/:container', attach(deps)),
    stream('/portForward/:namespace/:pod', portForward(deps)),
    stream('/portForward/:namespace/:pod/:uid', portForward(deps)),
  ];
}

function get(path: string, subresources: readonly Subresource[], handle: Handler): Route {
  return { methods: ['GET'], path, subresources, handle };
}

/** WebSockets begin with a GET, SPDY by either. */
function stream(path: string, handle: Handler): Route {
  return { methods: ['GET', 'POST'], path, subresources: ['proxy'], longLived: true, handle };
}
