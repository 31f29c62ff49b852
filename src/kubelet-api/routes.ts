import type { Provider } from '../provider/provider.ts';
import type { Clock } from '../support/clock.ts';
import { containerLogs } from './container-logs.ts';
import { type HealthCheck, healthz, healthzCheck } from './healthz.ts';
import type { PodSource } from './pod-source.ts';
import { pods } from './pods.ts';
import type { Route } from './router.ts';
import { runningPods } from './running-pods.ts';

/** What the answers are made of. */
export interface RouteDeps {
  readonly pods: PodSource;
  readonly provider: Provider;
  readonly syncLoop: HealthCheck;
  readonly clock: Clock;
}

/** Everything that is served, and the right that opens it: kubelet's paths and kubelet's subresources. */
export function routes(deps: RouteDeps): readonly Route[] {
  const checks = { ping: () => undefined, syncloop: deps.syncLoop };
  return [
    { method: 'GET', path: '/healthz', subresources: ['healthz', 'proxy'], handle: healthz(checks) },
    { method: 'GET', path: '/healthz/ping', subresources: ['healthz', 'proxy'], handle: healthzCheck(checks.ping) },
    {
      method: 'GET',
      path: '/healthz/syncloop',
      subresources: ['healthz', 'proxy'],
      handle: healthzCheck(checks.syncloop),
    },
    { method: 'GET', path: '/pods', subresources: ['pods', 'proxy'], handle: pods(deps.pods) },
    { method: 'GET', path: '/runningpods', subresources: ['pods', 'proxy'], handle: runningPods(deps.provider) },
    {
      method: 'GET',
      path: '/containerLogs/:namespace/:pod/:container',
      subresources: ['proxy'],
      longLived: true,
      handle: containerLogs(deps),
    },
  ];
}
