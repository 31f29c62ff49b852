import {
  type ApiClient,
  configMaps,
  namespaces,
  type ObjectKey,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  secrets,
  serviceAccounts,
} from '../apiserver/client.ts';
import { LruMap } from '../apiserver/lru-map.ts';
import type { ReadonlyStore } from '../apiserver/store.ts';
import type {
  ConfigMap,
  KubernetesObject,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from '../kubernetes/objects.ts';
import type { PodReferences, ServiceAccountToken } from '../podspec/references.ts';
import type { Clock } from '../support/clock.ts';
import { hasCode } from '../support/errors.ts';
import { ServiceAccountTokens, type TokenRequestOptions } from './service-account-tokens.ts';
import { shared } from './shared.ts';

export interface ClusterReferencesOptions {
  readonly client: ApiClient;
  /** The services of all namespaces. */
  readonly services: ReadonlyStore<Service>;
  readonly clock: Clock;
}

interface Answer<T> {
  readonly object: T | undefined;
  readonly untilMs: number;
}

/** kubelet's `configMapAndSecretChangeDetectionStrategy: Cache` keeps them so long. */
const foundMs = 60_000;
/** Whoever makes a missing object waits for it to be seen. */
const missingMs = 5000;
const objectsLimit = 1000;

/**
 * What pods refer to, read from the API server one by one and by name: a node may do no more (Node authorizer). Nothing
 * of it is ever logged.
 */
export class ClusterReferences implements PodReferences {
  readonly #client: ApiClient;
  readonly #services: ReadonlyStore<Service>;
  readonly #clock: Clock;
  readonly #tokens: ServiceAccountTokens;
  readonly #secrets = new LruMap<string, Answer<Secret>>(objectsLimit);
  readonly #configMaps = new LruMap<string, Answer<ConfigMap>>(objectsLimit);
  readonly #serviceAccounts = new LruMap<string, Answer<ServiceAccount>>(objectsLimit);
  readonly #namespaces = new LruMap<string, Answer<Namespace>>(objectsLimit);
  readonly #claims = new LruMap<string, Answer<PersistentVolumeClaim>>(objectsLimit);
  readonly #volumes = new LruMap<string, Answer<PersistentVolume>>(objectsLimit);
  readonly #pending = new Map<string, Promise<unknown>>();

  constructor({ client, services, clock }: ClusterReferencesOptions) {
    this.#client = client;
    this.#services = services;
    this.#clock = clock;
    this.#tokens = new ServiceAccountTokens({ client, clock });
  }

  secret(namespace: string, name: string, options: { readonly signal: AbortSignal }): Promise<Secret | undefined> {
    return this.#read(secrets, this.#secrets, { namespace, name, ...options });
  }

  configMap(
    namespace: string,
    name: string,
    options: { readonly signal: AbortSignal },
  ): Promise<ConfigMap | undefined> {
    return this.#read(configMaps, this.#configMaps, { namespace, name, ...options });
  }

  serviceAccount(
    namespace: string,
    name: string,
    options: { readonly signal: AbortSignal },
  ): Promise<ServiceAccount | undefined> {
    return this.#read(serviceAccounts, this.#serviceAccounts, { namespace, name, ...options });
  }

  namespace(name: string, options: { readonly signal: AbortSignal }): Promise<Namespace | undefined> {
    return this.#read(namespaces, this.#namespaces, { name, ...options });
  }

  async persistentVolume(
    namespace: string,
    claim: string,
    options: { readonly signal: AbortSignal },
  ): Promise<PersistentVolume | undefined> {
    const key = { namespace, name: claim, ...options };
    const found = await this.#read(persistentVolumeClaims, this.#claims, key);
    const name = found?.status?.phase === 'Bound' ? found.spec?.volumeName : undefined;
    return name === undefined ? undefined : this.#read(persistentVolumes, this.#volumes, { name, ...options });
  }

  services(namespace: string): readonly Service[] {
    const own = this.#services.inNamespace(namespace);
    const master =
      namespace === 'default' ? undefined : this.#services.get({ namespace: 'default', name: 'kubernetes' });
    return master === undefined ? own : [...own, master];
  }

  serviceAccountToken(
    pod: Pod,
    request: { readonly audience: string; readonly expirationSeconds: number },
    options: { readonly signal: AbortSignal },
  ): Promise<ServiceAccountToken> {
    const { audience, expirationSeconds } = request;
    const tokenRequest: TokenRequestOptions = { pod, audience, expirationSeconds, signal: options.signal };
    return this.#tokens.get(tokenRequest);
  }

  async #read<T extends KubernetesObject>(
    resource: Resource<T>,
    answers: LruMap<string, Answer<T>>,
    { signal, ...object }: { namespace?: string; name: string; signal: AbortSignal },
  ): Promise<T | undefined> {
    const key = `${object.namespace ?? ''}/${object.name}`;
    const known = answers.get(key);
    if (known !== undefined && this.#clock.now() < known.untilMs) return known.object;
    return shared(this.#pending, `${resource.plural}/${key}`, signal, async () => {
      const found = await this.#find(resource, object);
      const keptMs = found === undefined ? missingMs : foundMs;
      answers.set(key, { object: found, untilMs: this.#clock.now() + keptMs });
      return found;
    });
  }

  async #find<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined> {
    try {
      return await this.#client.get(resource, key);
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}
