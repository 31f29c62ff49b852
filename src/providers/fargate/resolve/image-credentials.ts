import type { Container, Pod, Secret } from '../../../kubernetes/objects.ts';
import { parseImageReference } from '../../../podspec/images/image-reference.ts';
import { imagePullCredentials } from '../../../podspec/images/pull-credentials.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { secretVersion } from './hidden-references.ts';
import { digest, type SecretEntry } from './secret-entry.ts';

/** Amazon's own registry, which Fargate opens with the execution role. */
const ecr = /^\d{12}\.dkr\.ecr(-fips)?\.[\w-]+\.amazonaws\.com(\.cn)?$/;

/** The pod's image pull secrets. Those that are missing are passed over, as kubelet does: the pull may work without. */
export async function pullSecrets(
  pod: Pod,
  references: PodReferences,
  options: { readonly signal: AbortSignal },
): Promise<readonly Secret[]> {
  const { namespace = '' } = pod.metadata ?? {};
  const names = (pod.spec?.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
  const secrets = await Promise.all(names.map((name) => references.secret(namespace, name, options)));
  return secrets.filter((secret) => secret !== undefined);
}

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
