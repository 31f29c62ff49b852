import type { Service } from '../kubernetes/objects.ts';
import { isAbortOf, withTimeout } from '../support/abort.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError, hasCode } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import { type ApiClient, services } from './client.ts';

export interface FindClusterOptions {
  /** How long the API server may keep us waiting; 0 for as long as it takes. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What names a cluster. */
export interface ClusterIdentity {
  /** UID of the Service `default/kubernetes`, which every cluster has from its first moment and a node may read. */
  readonly id: string;
  /** ClusterIP of the Service `kube-system/kube-dns`, by which every DNS add-on goes; undefined where there is none. */
  readonly dnsIp: string | undefined;
}

const retryIntervalMs = 2000;

/**
 * Waits until the API server answers and says which cluster it is. What waiting cannot mend (credentials it does not
 * take, a right that is missing) rejects at once; `Timeout` after `timeoutMs`, with what was wrong last.
 */
export async function findCluster(client: ApiClient, options: FindClusterOptions): Promise<ClusterIdentity> {
  let lastError: unknown;
  const find = async (signal: AbortSignal): Promise<ClusterIdentity> => {
    for (;;) {
      try {
        const kubernetes = await client.get(services, { namespace: 'default', name: 'kubernetes' }, { signal });
        return { id: kubernetes.metadata?.uid ?? '', dnsIp: clusterIp(await findDnsService(client, signal)) };
      } catch (error) {
        if (isAbortOf(signal, error) || !mayPass(error)) throw error;
        if (lastError === undefined) options.log.warn('The API server does not answer yet; waiting for it', { error });
        lastError = error;
      }
      await options.clock.sleep(retryIntervalMs, { signal });
    }
  };
  if (options.timeoutMs === 0) return find(options.signal);
  try {
    return await withTimeout('the API server', options, find);
  } catch (error) {
    if (!hasCode(error, 'Timeout') || lastError === undefined) throw error;
    throw new CodedError('Timeout', `${error.message} (--startup-timeout)`, { cause: lastError });
  }
}

function mayPass(error: unknown): boolean {
  return ['Unavailable', 'Timeout', 'Throttled', 'NotFound', 'Internal'].some(
    (code) => error instanceof CodedError && error.code === code,
  );
}

async function findDnsService(client: ApiClient, signal: AbortSignal): Promise<Service | undefined> {
  try {
    return await client.get(services, { namespace: 'kube-system', name: 'kube-dns' }, { signal });
  } catch (error) {
    if (hasCode(error, 'NotFound')) return undefined;
    throw error;
  }
}

function clusterIp(service: Service | undefined): string | undefined {
  const address = service?.spec?.clusterIP;
  return address === 'None' ? undefined : address;
}
