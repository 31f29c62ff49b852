import type { Pod, Secret } from '../../kubernetes/objects.ts';
import { imagePullCredentials, type PullCredentials } from '../../podspec/images/pull-credentials.ts';
import type { PodReferences } from '../../podspec/references.ts';

/**
 * The pod's credentials for an image. A secret that does not exist is passed over, as kubelet does: the image may need
 * none.
 */
export async function pullCredentials(
  pod: Pod,
  image: string,
  { references, signal }: { readonly references: PodReferences; readonly signal: AbortSignal },
): Promise<readonly PullCredentials[]> {
  const secrets: Secret[] = [];
  for (const { name } of pod.spec?.imagePullSecrets ?? []) {
    const secret = name ? await references.secret(pod.metadata?.namespace ?? '', name, { signal }) : undefined;
    if (secret) secrets.push(secret);
  }
  return imagePullCredentials(secrets, image);
}
