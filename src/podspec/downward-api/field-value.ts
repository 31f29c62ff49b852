import type { Pod } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { oneOfEachFamily } from '../ip-families.ts';

/** What a pod is told of itself that its object does not (yet) have. */
export interface PodAddresses {
  readonly podIps: readonly string[];
  /** The node's, the first is `status.hostIP`. */
  readonly hostIps: readonly string[];
}

/**
 * Value of a `fieldRef` in a container's environment: `metadata.name`, `metadata.labels['app']`, `spec.nodeName`,
 * `status.podIP`, … An absent label or annotation is ''. Throws `InvalidInput` for a path that Kubernetes does not
 * offer there.
 */
export function environmentFieldValue(path: string, pod: Pod, { podIps, hostIps }: PodAddresses): string {
  const hosts = oneOfEachFamily(hostIps, hostIps[0]);
  const own = oneOfEachFamily(podIps, hostIps[0]);
  const ips = own.length === 0 && pod.spec?.hostNetwork ? hosts : own;
  switch (path) {
    case 'spec.nodeName':
    case 'spec.host':
      return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
      return hosts[0] ?? '';
    case 'status.hostIPs':
      return hosts.join(',');
    case 'status.podIP':
      return ips[0] ?? '';
    case 'status.podIPs':
      return ips.join(',');
    default:
      return metadataFieldValue(path, pod);
  }
}

/** Value of a `fieldRef` in a volume, which knows metadata only: all labels and annotations as a list among it. */
export function metadataFieldValue(path: string, pod: Pod): string {
  const { name, namespace, uid, labels = {}, annotations = {} } = pod.metadata ?? {};
  const subscripted = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(path);
  const key = subscripted?.[2] ?? '';
  switch (subscripted?.[1] ?? path) {
    case 'metadata.name':
      return name ?? '';
    case 'metadata.namespace':
      return namespace ?? '';
    case 'metadata.uid':
      return uid ?? '';
    case 'metadata.labels':
      return subscripted ? (labels[key] ?? '') : asLines(labels);
    case 'metadata.annotations':
      return subscripted ? (annotations[key] ?? '') : asLines(annotations);
    default:
      throw new CodedError('InvalidInput', `unsupported fieldPath: ${path}`, { reason: 'CreateContainerConfigError' });
  }
}

/** `key="value"`, a line each, sorted by key. */
function asLines(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${quoted(map[key] ?? '')}`)
    .join('\n');
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
  ['"', '\\"'],
]);

/** As Go quotes a string: what cannot be printed is escaped. */
function quoted(text: string): string {
  const body = text.replaceAll(/["\\]|\p{C}|[^\P{Z} ]/gu, (character) => escapes.get(character) ?? escaped(character));
  return `"${body}"`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
