import type { Pod, Secret } from '../../../kubernetes/objects.ts';
import { decodeBase64 } from '../../../podspec/reference-reader.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import type { Placeholders } from './placeholders.ts';

/** The cluster's objects, but with placeholders where secrets have their values. */
export function hiddenReferences(references: PodReferences, placeholders: Placeholders): PodReferences {
  return {
    secret: async (namespace, name, options) => {
      const secret = await references.secret(namespace, name, options);
      return secret && hiddenSecret(secret, name, placeholders);
    },
    configMap: (namespace, name, options) => references.configMap(namespace, name, options),
    services: (namespace) => references.services(namespace),
    serviceAccountToken: (pod, request, options) => references.serviceAccountToken(pod, request, options),
  };
}

function hiddenSecret(secret: Secret, name: string, placeholders: Placeholders): Secret {
  const version = secretVersion(secret);
  const data = Object.entries(secret.data ?? {}).map(([key, base64]) => {
    const value = decodeBase64(base64).toString();
    const placeholder = placeholders.hide(`${name}/${key}`, { kind: 'secret', value, version });
    return [key, Buffer.from(placeholder).toString('base64')];
  });
  return { ...secret, data: Object.fromEntries(data) };
}

/** Which state of which object this is, without a word of what it holds. */
export function secretVersion({ metadata }: Secret): string {
  return `${metadata?.uid ?? ''}/${metadata?.resourceVersion ?? ''}`;
}

/** The pod with placeholders where it has what differs from one replica to the next. */
export function hiddenPod(pod: Pod, placeholders: Placeholders): Pod {
  const { metadata = {} } = pod;
  const hide = (name: string, value: string): string => placeholders.hide(name, { kind: 'pod', value });
  const hideAll = (what: string, map: Readonly<Record<string, string>> | undefined): Record<string, string> =>
    Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, hide(`${what}/${key}`, value)]));
  return {
    ...pod,
    metadata: {
      ...metadata,
      name: hide('name', metadata.name ?? ''),
      uid: hide('uid', metadata.uid ?? ''),
      labels: hideAll('labels', metadata.labels),
      annotations: hideAll('annotations', metadata.annotations),
    },
  };
}
