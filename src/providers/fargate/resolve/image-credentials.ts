import type { Container, Secret } from '../../../kubernetes/objects.ts';
import { parseImageReference } from '../../../podspec/images/image-reference.ts';
import { imagePullCredentials } from '../../../podspec/images/pull-credentials.ts';
import { secretVersion } from './hidden-references.ts';
import { digest, type SecretEntry } from './secret-entry.ts';

/** Amazon's own registry, which Fargate opens with the execution role. */
const ecr = /^\d{12}\.dkr\.ecr(-fips)?\.[\w-]+\.amazonaws\.com(\.cn)?$/;

/**
 * The entry with the credentials for a container's image, of one key each for user name and password, as ECS wants it.
 * ECS knows one pair for a container: the most particular that matches. Undefined where none does.
 */
export function pullEntry(
  container: Container,
  secrets: readonly Secret[],
  { entryPrefix }: { readonly entryPrefix: string },
): SecretEntry | undefined {
  const image = container.image ?? '';
  const { domain, repository } = parseImageReference(image);
  if (ecr.test(domain)) return undefined;
  const [credentials] = imagePullCredentials(secrets, image);
  if (credentials === undefined) return undefined;
  const asked = { image: `${domain}/${repository}`, secrets: secrets.map(({ metadata }) => metadata?.name ?? '') };
  return {
    name: `${entryPrefix}/pull-${digest(asked).slice(0, 32)}`,
    version: digest([asked, secrets.map(secretVersion)]),
    values: { username: credentials.username, password: credentials.password },
  };
}
