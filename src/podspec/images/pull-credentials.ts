import type { Secret } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { decodeBase64 } from '../reference-reader.ts';
import { parseImageReference } from './image-reference.ts';

/** What a registry is told. */
export interface PullCredentials {
  readonly username: string;
  readonly password: string;
}

/** Credentials for everything whose registry and path match `key`: `quay.io`, `*.example.com:5000/team`. */
interface Entry {
  readonly key: string;
  readonly credentials: PullCredentials;
}

/** Docker Hub by the name under which credentials for it are kept. */
const dockerHub = 'index.docker.io';

/**
 * The credentials in a pod's image pull secrets that are meant for an image, the most particular first, to be tried in
 * turn (kubelet's keyring); none where the image is to be pulled without. Secrets of other types are passed over; one that cannot be read is an
 * `InvalidInput` error that names it.
 */
export function imagePullCredentials(secrets: readonly Secret[], image: string): PullCredentials[] {
  const { domain, repository } = parseImageReference(image);
  const entries = secrets.flatMap(entriesOf).sort((a, b) => Number(a.key < b.key) - Number(a.key > b.key));
  const matching = entries.filter(({ key }) => matches(key, `${domain}/${repository}`));
  const chosen =
    matching.length > 0 || domain !== 'docker.io' ? matching : entries.filter(({ key }) => key === dockerHub);
  return chosen.map(({ credentials }) => credentials);
}

function entriesOf(secret: Secret): Entry[] {
  const { type, data = {} } = secret;
  const json = data['.dockerconfigjson'];
  const legacy = data['.dockercfg'];
  if (type === 'kubernetes.io/dockerconfigjson' && json) return entriesIn(parsed(json, secret)['auths']);
  if (type === 'kubernetes.io/dockercfg' && legacy) return entriesIn(parsed(legacy, secret));
  return [];
}

function parsed(base64: string, { metadata }: Secret): Readonly<Record<string, unknown>> {
  const value = parsedJson(decodeBase64(base64).toString());
  if (isObject(value)) return value;
  throw new CodedError('InvalidInput', `image pull secret "${metadata?.name}" does not hold the JSON of its type`, {
    reason: 'ErrImagePull',
  });
}

/** Undefined for what is no JSON; the parser's message would quote the secret. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function entriesIn(registries: unknown): Entry[] {
  if (!isObject(registries)) return [];
  return Object.entries(registries).flatMap(([location, entry]) => {
    const key = keyOf(location);
    return key !== undefined && isObject(entry) ? [{ key, credentials: credentialsOf(entry) }] : [];
  });
}

/** Host and path of an entry; Docker's API versions in the path say nothing. */
function keyOf(location: string): string | undefined {
  const [, host, path = ''] = /^(?:https?:\/\/)?([^/]+)(\/.*)?$/.exec(location) ?? [];
  const effective = path.replace(/^\/v[12]\//, '/');
  return host === undefined ? undefined : `${host}${effective === '/' ? '' : effective}`;
}

function credentialsOf({ username, password, auth }: Readonly<Record<string, unknown>>): PullCredentials {
  if (typeof auth === 'string' && auth !== '') {
    const text = decodeBase64(auth).toString();
    const colon = text.indexOf(':');
    if (colon >= 0) return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  return { username: asText(username), password: asText(password) };
}

/** Same port, as many parts of the host, each a glob for its counterpart, and a path that begins the image's. */
function matches(key: string, image: string): boolean {
  const pattern = splitLocation(key);
  const target = splitLocation(image);
  return (
    pattern.port === target.port &&
    pattern.hostParts.length === target.hostParts.length &&
    target.path.startsWith(pattern.path) &&
    pattern.hostParts.every((part, index) => glob(part).test(target.hostParts[index] ?? ''))
  );
}

function splitLocation(location: string): { hostParts: readonly string[]; port: string; path: string } {
  const [, host = '', port = '', path = ''] = /^(\[[^\]]*\]|[^/:]*)(?::(\d+))?(\/.*)?$/.exec(location) ?? [];
  return { hostParts: host.split('.'), port, path };
}

/** `*` and `?` as in a shell, within one part of a host name. */
function glob(pattern: string): RegExp {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (character) => {
    if (character === '*') return '.*';
    return character === '?' ? '.' : `\\${character}`;
  });
  return new RegExp(`^${source}$`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
