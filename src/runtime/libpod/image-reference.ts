import { CodedError } from '../../support/errors.ts';

/** The grammar of github.com/distribution/reference, a name's parts at most 255 characters together. */
const domainPattern =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::\d+)?$|^\[[0-9a-fA-F:]+\](?::\d+)?$/;
const pathPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

export interface ImageReference {
  /** With its registry: `docker.io/library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/**
 * Completes a reference as a kubelet does: docker.io where no registry is named, `library/` where nothing else is,
 * `latest` where there is neither tag nor digest. A tag beside a digest means nothing and is dropped. Throws
 * `InvalidInput` with kubelet's reason.
 */
export function parseImageReference(text: string): ImageReference {
  const [beforeDigest = '', digest] = splitOnce(text, text.indexOf('@'));
  const [name, tag] = splitOnce(beforeDigest, tagColon(beforeDigest));
  const { domain, path } = splitDomain(name);
  const repository = `${domain}/${path}`;
  const fits =
    domainPattern.test(domain) &&
    pathPattern.test(path) &&
    repository.length <= 255 &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined || digestPattern.test(digest));
  if (!fits) {
    throw new CodedError('InvalidInput', `couldn't parse image name "${text}": invalid reference format`, {
      reason: 'InvalidImageName',
    });
  }
  return digest === undefined ? { repository, tag: tag ?? 'latest' } : { repository, digest };
}

export function formatImageReference({ repository, tag, digest }: ImageReference): string {
  return digest === undefined ? `${repository}:${tag}` : `${repository}@${digest}`;
}

/** Whether it is the id of an image, in full. */
export function isImageId(text: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{64}$/.test(text);
}

/** The colon before the tag: one behind the last slash, since a registry's port has one too. */
function tagColon(name: string): number {
  return name.indexOf(':', name.lastIndexOf('/') + 1);
}

function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const [first, rest] = splitOnce(name, name.indexOf('/'));
  const isDomain = rest !== undefined && (/[.:A-Z]/.test(first) || first === 'localhost');
  const domain = isDomain && first !== 'index.docker.io' ? first : 'docker.io';
  const path = isDomain ? rest : name;
  return { domain, path: domain === 'docker.io' && !path.includes('/') ? `library/${path}` : path };
}

function splitOnce(text: string, at: number): [string, string | undefined] {
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
