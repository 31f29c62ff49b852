import { CodedError, type ErrorCode, hasCode } from '../../support/errors.ts';
import type { CallOptions, Image, RegistryCredentials } from '../runtime.ts';
import { type LibpodClient, segment } from './client.ts';
import { formatImageReference, type ImageReference, isImageId, parseImageReference } from './image-reference.ts';
import { readJsonLines } from './json-lines.ts';

/** What we read of `GET /images/{name}/json`. */
export interface InspectedImage {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  readonly Size: number;
  readonly User?: string;
}

/** A line of the answer to a pull. */
interface PullReport {
  readonly stream?: string;
  readonly error?: string;
  readonly id?: string;
}

/** Undefined where it is not in the local store. */
export async function findImage(
  client: LibpodClient,
  reference: string,
  options: CallOptions,
): Promise<Image | undefined> {
  const parsed = isImageId(reference) ? undefined : parseImageReference(reference);
  const name = parsed === undefined ? reference.replace(/^sha256:/, '') : formatImageReference(parsed);
  try {
    return toImage(await inspectImage(client, name, options), parsed);
  } catch (error) {
    if (hasCode(error, 'NotFound')) return undefined;
    throw error;
  }
}

/**
 * Pulls also what is there already, if the registry has something newer. Rejects with the reasons that a kubelet shows:
 * `ErrImagePull`, `InvalidImageName`.
 */
export async function pullImage(
  client: LibpodClient,
  reference: string,
  options: CallOptions & { readonly credentials?: RegistryCredentials },
): Promise<Image> {
  const { signal, credentials } = options;
  const parsed = parseImageReference(reference);
  const answer = await client.stream(
    {
      method: 'POST',
      path: '/images/pull',
      query: { reference: formatImageReference(parsed), policy: 'always' },
      ...(credentials ? { headers: { 'x-registry-auth': toAuthHeader(credentials) } } : {}),
    },
    { signal },
  );
  let imageId: string | undefined;
  for await (const { error, id } of readJsonLines<PullReport>(answer)) {
    // The status was 200 before Podman knew.
    if (error) throw toPullError(reference, error);
    imageId = id ?? imageId;
  }
  if (imageId === undefined) {
    throw new CodedError('Unavailable', `failed to pull image "${reference}": Podman's answer broke off`, {
      reason: 'ErrImagePull',
    });
  }
  return toImage(await inspectImage(client, imageId, { signal }), parsed);
}

export function toImage(image: InspectedImage, reference?: ImageReference): Image {
  const digests = image.RepoDigests ?? [];
  const repoDigest = reference
    ? (digests.find((digest) => digest === `${reference.repository}@${reference.digest}`) ??
      digests.find((digest) => digest.startsWith(`${reference.repository}@`)))
    : digests[0];
  return {
    id: image.Id,
    ...(repoDigest === undefined ? {} : { repoDigest }),
    repoTags: image.RepoTags ?? [],
    user: image.User ?? '',
    sizeBytes: image.Size,
  };
}

const pullMeanings: readonly (readonly [RegExp, ErrorCode])[] = [
  [/unauthorized|authentication required|access.* denied|invalid username\/password|status 40[13]\b/i, 'Unauthorized'],
  [/manifest unknown|name unknown|not found|repository does not exist|no image found/i, 'NotFound'],
  [/toomanyrequests|too many requests/i, 'Throttled'],
];

/** Podman's words are those of whoever failed, behind a chain of who called whom. */
export function toPullError(reference: string, words: string): CodedError {
  const code = pullMeanings.find(([pattern]) => pattern.test(words))?.[1] ?? 'Unavailable';
  const shorter = words.replace(/^(?:initializing source \S+: |reading manifest \S+ in \S+: )+/, '').trim();
  return new CodedError(code, `failed to pull image "${reference}": ${shorter}`, { reason: 'ErrImagePull' });
}

function inspectImage(client: LibpodClient, name: string, options: CallOptions): Promise<InspectedImage> {
  return client.json({ method: 'GET', path: `/images/${segment(name)}/json` }, options);
}

/** As Docker's clients send it: base64 for URLs, padded. */
function toAuthHeader({ username, password }: RegistryCredentials): string {
  const text = Buffer.from(JSON.stringify({ username, password })).toString('base64');
  return text.replaceAll('+', '-').replaceAll('/', '_');
}
