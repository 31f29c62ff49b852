import { CodedError } from '../../support/errors.ts';

/** An image's name taken apart. */
export interface ImageReference {
  /** Host, with port where one is given: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** The repository within it: `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

const domainSyntax =
  /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::\d+)?$/;
const repositorySyntax = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagSyntax = /^\w[\w.-]{0,127}$/;
const digestSyntax = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * Takes an image's name apart as Docker does: `nginx` is `docker.io/library/nginx`, tag `latest` where neither tag nor
 * digest is given. Throws `InvalidInput` with kubelet's reason `InvalidImageName`.
 */
export function parseImageReference(image: string): ImageReference {
  const [named = '', digest] = splitOnce(image, '@');
  const { domain, remainder } = splitDomain(named);
  const [repository = '', tag] = splitOnce(remainder, ':');
  const valid =
    domainSyntax.test(domain) &&
    repositorySyntax.test(repository) &&
    (tag === undefined || tagSyntax.test(tag)) &&
    (digest === undefined || digestSyntax.test(digest)) &&
    !/^[0-9a-f]{64}$/.test(image);
  if (!valid) {
    throw new CodedError('InvalidInput', `couldn't parse image name "${image}": invalid reference format`, {
      reason: 'InvalidImageName',
    });
  }
  const assumedTag = tag ?? (digest === undefined ? 'latest' : undefined);
  return {
    domain,
    repository,
    ...(assumedTag !== undefined && { tag: assumedTag }),
    ...(digest !== undefined && { digest }),
  };
}

/** The image's whole name, `docker.io/library/nginx:latest`; a digest makes a tag idle and stands alone. */
export function normalizedImage(image: string): string {
  const { domain, repository, tag, digest } = parseImageReference(image);
  return `${domain}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}

/** The pull policy that the API server fills in: `Always` for the tag `latest`, given or assumed. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  try {
    return parseImageReference(image).tag === 'latest' ? 'Always' : 'IfNotPresent';
  } catch {
    // A name that cannot be read is for whoever pulls it to complain about.
    return 'IfNotPresent';
  }
}

function splitDomain(name: string): { readonly domain: string; readonly remainder: string } {
  const [first = '', rest] = splitOnce(name, '/');
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first;
  const given = rest !== undefined && isDomain ? first : 'docker.io';
  const remainder = rest !== undefined && isDomain ? rest : name;
  const domain = given === 'index.docker.io' ? 'docker.io' : given;
  return { domain, remainder: domain === 'docker.io' && !remainder.includes('/') ? `library/${remainder}` : remainder };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + separator.length)];
}
