import type { Pod, Volume } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { metadataFieldValue } from '../downward-api/field-value.ts';
import { resourceFieldValue } from '../downward-api/resource-value.ts';
import { decodeBase64, ReferenceReader } from '../reference-reader.ts';
import type { PodReferences } from '../references.ts';
import { filePath } from './file-path.ts';

export interface VolumeFile {
  /** Relative to the volume, without `..`. */
  readonly path: string;
  readonly contents: Uint8Array;
  /** Permission bits: 0o644. */
  readonly mode: number;
  /** The user to whom the file must belong to be readable; absent where it belongs to whoever writes the volume. */
  readonly ownerUid?: number;
}

export interface VolumeFiles {
  /** Each path once. */
  readonly files: readonly VolumeFile[];
  /** When the first token among them expires; to be read again well before. Absent where none does. */
  readonly expiresAtMs?: number;
}

export interface VolumeInput {
  readonly pod: Pod;
  readonly references: PodReferences;
  /** What the node has for pods: the limit of a container that sets none. */
  readonly nodeAllocatable?: Readonly<Record<string, string>>;
}

type ConfigMapSource = Pick<NonNullable<Volume['configMap']>, 'name' | 'items' | 'optional'>;
type DownwardApiItems = NonNullable<Volume['downwardAPI']>['items'];
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

const defaultMode = 0o644;
/** What the API server fills in, in seconds. */
const defaultTokenLifeSeconds = 3600;
/** Of tokens that belong to a user or group of the pod's; whoever gives the volume to the group adds its rights. */
const ownersOnlyMode = 0o600;

/**
 * What a volume of files holds now: configMap, secret, downwardAPI or projected; undefined for volumes of other kinds.
 * Rejects with `NotFound` for what is missing and mandatory and with `InvalidInput` for what makes no sense, both with
 * reason `FailedMount` and kubelet's words.
 */
export async function volumeFiles(
  volume: Volume,
  input: VolumeInput,
  options: { readonly signal: AbortSignal },
): Promise<VolumeFiles | undefined> {
  const reader = new ReferenceReader({ ...input, reason: 'FailedMount', signal: options.signal });
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return gathered(await configMapFiles(configMap, configMap.defaultMode ?? defaultMode, reader));
  if (secret) {
    const source = { ...secret, name: secret.secretName ?? '' };
    return gathered(await secretFiles(source, secret.defaultMode ?? defaultMode, reader));
  }
  if (downwardAPI) return gathered(downwardApiFiles(downwardAPI.items, downwardAPI.defaultMode ?? defaultMode, input));
  if (!projected) return undefined;

  const mode = projected.defaultMode ?? defaultMode;
  const files: VolumeFile[] = [];
  const expiries: number[] = [];
  for (const source of projected.sources ?? []) {
    if (source.serviceAccountToken) {
      const { file, expiresAtMs } = await tokenFile(source.serviceAccountToken, mode, input, options);
      files.push(file);
      expiries.push(expiresAtMs);
    } else files.push(...(await projectedFiles(source, mode, input, reader)));
  }
  return { ...gathered(files), ...(expiries.length > 0 && { expiresAtMs: Math.min(...expiries) }) };
}

/** A path that comes twice holds what came last. */
function gathered(files: readonly VolumeFile[]): VolumeFiles {
  const byPath = new Map(files.map((file) => [filePath(file.path), file]));
  return { files: [...byPath].map(([path, file]) => ({ ...file, path })) };
}

async function projectedFiles(
  source: Projection,
  mode: number,
  input: VolumeInput,
  reader: ReferenceReader,
): Promise<VolumeFile[]> {
  if (source.configMap) return configMapFiles(source.configMap, mode, reader);
  if (source.secret) return secretFiles(source.secret, mode, reader);
  if (source.downwardAPI) return downwardApiFiles(source.downwardAPI.items, mode, input);
  throw new CodedError('NotImplemented', `projected source ${Object.keys(source).join(', ')} is not supported`, {
    reason: 'FailedMount',
  });
}

async function configMapFiles(source: ConfigMapSource, mode: number, reader: ReferenceReader): Promise<VolumeFile[]> {
  const configMap = await reader.configMap(source.name ?? '', source.optional);
  const contents = new Map<string, Uint8Array>([
    ...Object.entries(configMap?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(configMap?.binaryData ?? {}).map(([key, text]) => [key, decodeBase64(text)] as const),
  ]);
  return keyFiles(contents, source, mode, (key) =>
    reader.missingKey('ConfigMap', `configmap references non-existent config key: ${key}`, source.optional),
  );
}

async function secretFiles(source: ConfigMapSource, mode: number, reader: ReferenceReader): Promise<VolumeFile[]> {
  const secret = await reader.secret(source.name ?? '', source.optional);
  const contents = new Map(Object.entries(secret?.data ?? {}).map(([key, text]) => [key, decodeBase64(text)]));
  return keyFiles(contents, source, mode, (key) =>
    reader.missingKey('Secret', `references non-existent secret key: ${key}`, source.optional),
  );
}

/** All keys, each a file of its name; or the named ones, where the items say. */
function keyFiles(
  contents: ReadonlyMap<string, Uint8Array>,
  { items = [] }: ConfigMapSource,
  mode: number,
  missing: (key: string) => void,
): VolumeFile[] {
  if (items.length === 0) return [...contents].map(([path, bytes]) => ({ path, contents: bytes, mode }));
  return items.flatMap((item) => {
    const bytes = contents.get(item.key);
    if (bytes) return [{ path: item.path, contents: bytes, mode: item.mode ?? mode }];
    missing(item.key);
    return [];
  });
}

function downwardApiFiles(items: DownwardApiItems, mode: number, { pod, nodeAllocatable }: VolumeInput): VolumeFile[] {
  return (items ?? []).map(({ path, mode: own, fieldRef, resourceFieldRef }) => {
    const ofField = fieldRef ? metadataFieldValue(fieldRef.fieldPath, pod) : '';
    const text = resourceFieldRef
      ? resourceFieldValue(resourceFieldRef, pod, { nodeAllocatable: nodeAllocatable ?? {} })
      : ofField;
    return { path, contents: Buffer.from(text), mode: own ?? mode };
  });
}

async function tokenFile(
  source: NonNullable<Projection['serviceAccountToken']>,
  mode: number,
  { pod, references }: VolumeInput,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly file: VolumeFile; readonly expiresAtMs: number }> {
  const { token, expiresAtMs } = await references.serviceAccountToken(
    pod,
    { audience: source.audience ?? '', expirationSeconds: source.expirationSeconds ?? defaultTokenLifeSeconds },
    options,
  );
  const ownerUid = onlyUser(pod);
  const owned = ownerUid !== undefined || pod.spec?.securityContext?.fsGroup !== undefined;
  const file = {
    path: source.path,
    contents: Buffer.from(token),
    mode: owned ? ownersOnlyMode : mode,
    ...(ownerUid !== undefined && { ownerUid }),
  };
  return { file, expiresAtMs };
}

/** The user of all containers, where each names one and all the same. */
function onlyUser({ spec }: Pod): number | undefined {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec ?? {};
  const users = [...containers, ...initContainers, ...ephemeralContainers].map(
    (each) => each.securityContext?.runAsUser ?? spec?.securityContext?.runAsUser,
  );
  return new Set(users).size === 1 ? users[0] : undefined;
}
