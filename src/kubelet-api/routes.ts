import type { Provider } from '../provider/provider.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import { attach } from './attach.ts';
import type { Subresource } from './authorization.ts';
import type { Handler } from './call.ts';
import { configz, type NodeConfiguration } from './configz.ts';
import { containerLogs } from './container-logs.ts';
import { exec } from './exec.ts';
import { type HealthCheck, healthz, healthzCheck } from './healthz.ts';
import { metricsCadvisor, metricsOfKubelet, metricsProbes, metricsResource } from './metrics.ts';
import { notImplemented, turnedOff } from './not-served.ts';
import type { PodSource } from './pod-source.ts';
import { pods } from './pods.ts';
import { portForward } from './port-forward.ts';
import type { Route } from './router.ts';
import { run } from './run.ts';
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
  readonly configuration: NodeConfiguration;
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
    get('/configz', ['configz', 'proxy'], configz(deps.configuration)),
    get('/pods', podsRight, pods(deps.pods)),
    get('/runningpods', podsRight, runningPods(deps.provider)),
    get('/stats/summary', ['stats'], statsSummary(measured)),
    ...(deps.metrics === undefined
      ? []
      : [get('/metrics', ['metrics'], metricsOfKubelet({ ...measured, own: deps.metrics }))]),
    get('/metrics/resource', ['metrics'], metricsResource(measured)),
    get('/metrics/cadvisor', ['metrics'], metricsCadvisor(measured)),
    get('/metrics/probes', ['metrics'], metricsProbes(deps.provider)),
    { ...get('/containerLogs/:namespace/:pod/:container', ['proxy'], containerLogs(deps)), longLived: true },
    post('/run/:namespace/:pod/:container', ['proxy'], run(deps)),
    post('/run/:namespace/:pod/:uid/:container', ['proxy'], run(deps)),
    stream('/exec/:namespace/:pod/:container', exec(deps)),
    stream('/exec/:namespace/:pod/:uid/:container', exec(deps)),
    stream('/attach/:namespace/:pod/:container', attach(deps)),
    stream('/attach/:namespace/:pod/:uid/:container', attach(deps)),
    stream('/portForward/:namespace/:pod', portForward(deps)),
    stream('/portForward/:namespace/:pod/:uid', portForward(deps)),
    get('/logs/*', ['log'], turnedOff('logs endpoint is disabled: a virtual node has no machine whose logs to show')),
    get('/debug/pprof/*', ['proxy'], turnedOff('profiling endpoint is disabled.')),
    post(
      '/checkpoint/:namespace/:pod/:container',
      ['checkpoint'],
      notImplemented(`provider ${deps.provider.name} cannot checkpoint containers`),
    ),
  ];
}

function get(path: string, subresources: readonly Subresource[], handle: Handler): Route {
  return { methods: ['GET'], path, subresources, handle };
}

function post(path: string, subresources: readonly Subresource[], handle: Handler): Route {
  return { methods: ['POST'], path, subresources, longLived: true, handle };
}

/** WebSockets begin with a GET, SPDY by either. */
function stream(path: string, handle: Handler): Route {
  return { methods: ['GET', 'POST'], path, subresources: ['proxy'], longLived: true, handle };
}
