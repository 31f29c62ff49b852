import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { aborted } from '../support/abort.ts';
import { CodedError } from '../support/errors.ts';

/** Seconds; from a request on loopback to a slow cloud. */
const secondsBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** What is counted, under the names that kubelet and client-go give the same things where they have one. */
export class Metrics {
  readonly registry = new Registry();

  readonly apiRequests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by verb, resource and HTTP code',
    labelNames: ['verb', 'resource', 'code'] as const,
    registers: [this.registry],
  });

  readonly apiRequestSeconds = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Duration of requests to the API server',
    labelNames: ['verb'] as const,
    buckets: secondsBuckets,
    registers: [this.registry],
  });

  readonly providerOperations = new Counter({
    name: 'virtual_kubelet_provider_operations_total',
    help: 'Calls of the provider by operation and outcome (ok or an error code)',
    labelNames: ['operation', 'outcome'] as const,
    registers: [this.registry],
  });

  readonly providerOperationSeconds = new Histogram({
    name: 'virtual_kubelet_provider_operation_duration_seconds',
    help: 'Duration of calls of the provider',
    labelNames: ['operation'] as const,
    buckets: secondsBuckets,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Where to read how many pods run, at each scrape. */
  runningPodsFrom(count: () => number): void {
    new Gauge({
      name: 'kubelet_running_pods',
      help: 'Pods that the provider runs',
      registers: [this.registry],
      collect() {
        this.set(count());
      },
    });
  }

  /** `verb` in the API's words, `code` an HTTP status or `error`. */
  apiCallEnded(call: {
    readonly verb: string;
    readonly resource: string;
    readonly code: string;
    readonly durationMs: number;
  }): void {
    const { verb, resource, code, durationMs } = call;
    this.apiRequests.inc({ verb, resource, code });
    this.apiRequestSeconds.observe({ verb }, durationMs / 1000);
  }

  /** `outcome` is `ok` or an error code. */
  operationEnded(operation: string, outcome: string, durationMs: number): void {
    this.providerOperations.inc({ operation, outcome });
    this.providerOperationSeconds.observe({ operation }, durationMs / 1000);
  }
}

/**
 * Serves `/metrics` on `address` until the signal aborts. Resolves once it listens, with the port and with `closed`, which
 * resolves when it has; rejects with `InvalidInput` where the address cannot be had.
 */
export async function serveMetrics(
  metrics: Metrics,
  address: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<{ readonly port: number; readonly closed: Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('only GET /metrics is served here\n');
      return;
    }
    metrics.registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const where = `${address.host || '*'}:${address.port}`;
      const message = `cannot serve metrics on ${where}; choose another --metrics-addr`;
      reject(new CodedError('InvalidInput', message, { cause }));
    });
    server.listen(address.port, address.host || undefined, resolve);
  });
  const closed = aborted(signal).then(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { port: (server.address() as AddressInfo).port, closed };
}
