import type { ApiClient } from '../apiserver/client.ts';
import { LruMap } from '../apiserver/lru-map.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import type { ServiceAccountToken } from '../podspec/references.ts';
import type { Clock } from '../support/clock.ts';
import { shared } from './shared.ts';

export interface TokenRequestOptions {
  readonly pod: Pod;
  /** Empty: the API server's own. */
  readonly audience: string;
  readonly expirationSeconds: number;
  readonly signal: AbortSignal;
}

interface Held {
  readonly token: ServiceAccountToken;
  readonly refreshAtMs: number;
}

interface TokenRequestAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

const tokensLimit = 10_000;
/** kubelet's: no token is used for longer, however long it lives (`token_manager.go`). */
const longestUseMs = 86_400_000;
const partOfLife = 0.8;

/** Tokens bound to pods, asked of the API server and kept until 80 % of their life is over, as kubelet does. */
export class ServiceAccountTokens {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #held = new LruMap<string, Held>(tokensLimit);
  readonly #pending = new Map<string, Promise<unknown>>();

  constructor({ client, clock }: { readonly client: ApiClient; readonly clock: Clock }) {
    this.#client = client;
    this.#clock = clock;
  }

  /** A token that lives; where none can be had, the last one as long as it does. */
  async get(request: TokenRequestOptions): Promise<ServiceAccountToken> {
    const { pod, audience, expirationSeconds, signal } = request;
    const { uid } = podRef(pod);
    const key = JSON.stringify([uid, serviceAccountOf(pod), audience, expirationSeconds]);
    const held = this.#held.get(key);
    if (held !== undefined && this.#clock.now() < held.refreshAtMs) return held.token;
    return shared(this.#pending, key, signal, async () => {
      try {
        const fresh = await this.#request(request);
        this.#held.set(key, fresh);
        return fresh.token;
      } catch (error) {
        if (held !== undefined && this.#clock.now() < held.token.expiresAtMs) return held.token;
        throw error;
      }
    });
  }

  async #request({ pod, audience, expirationSeconds }: TokenRequestOptions): Promise<Held> {
    const { namespace, name, uid } = podRef(pod);
    const account = encodeURIComponent(serviceAccountOf(pod));
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${account}/token`;
    const { status } = await this.#client.post<TokenRequestAnswer>(path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    });
    const nowMs = this.#clock.now();
    const expiresAtMs = Date.parse(status.expirationTimestamp);
    const useMs = Math.min((expiresAtMs - nowMs) * partOfLife, longestUseMs);
    return { token: { token: status.token, expiresAtMs }, refreshAtMs: nowMs + useMs };
  }
}

/** The API server's ServiceAccount admission has set it; `default` where that is off. */
function serviceAccountOf(pod: Pod): string {
  return pod.spec?.serviceAccountName || 'default';
}
