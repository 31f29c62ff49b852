import type { ConfigMap, Secret, Service } from '../../kubernetes/objects.ts';
import type { PodReferences } from '../references.ts';

/** What the cluster of a test has: keys are `name` in the pod's namespace, secret values plain text. */
export interface FakeCluster {
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly services?: readonly Service[];
  readonly tokensExpireAtMs?: number;
}

/** References answered from memory. A token says what it was asked for: `token for api, 3607 s`. */
export function fakeReferences(cluster: FakeCluster): PodReferences {
  return {
    async secret(namespace, name): Promise<Secret | undefined> {
      const data = cluster.secrets?.[name];
      if (!data) return undefined;
      const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
      return { metadata: { namespace, name }, data: Object.fromEntries(encoded) };
    },
    async configMap(namespace, name): Promise<ConfigMap | undefined> {
      const data = cluster.configMaps?.[name];
      return data && { metadata: { namespace, name }, data };
    },
    services: () => cluster.services ?? [],
    async serviceAccountToken(_, { audience, expirationSeconds }) {
      return {
        token: `token for ${audience || 'the API server'}, ${expirationSeconds} s`,
        expiresAtMs: cluster.tokensExpireAtMs ?? 0,
      };
    },
  };
}
