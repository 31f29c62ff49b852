import type { Container, Pod } from '../../kubernetes/objects.ts';
import { imagePullCredentials } from '../../podspec/images/pull-credentials.ts';
import { pullSecrets } from '../../podspec/images/pull-secrets.ts';
import type { Image } from '../../runtime/runtime.ts';
import type { EngineContext } from '../engine-context.ts';
import type { SpecContainer } from '../pod/spec-containers.ts';
import type { ImagePuller } from './image-puller.ts';
import { provideImage } from './provide-image.ts';

interface Request {
  readonly pod: Pod;
  readonly identity: SpecContainer;
  readonly signal: AbortSignal;
}

/** The images that one container needs: its own, and those that it mounts as volumes. */
export class Images {
  readonly #context: EngineContext;
  readonly #puller: ImagePuller;
  readonly #request: Request;

  constructor(context: EngineContext, puller: ImagePuller, request: Request) {
    this.#context = context;
    this.#puller = puller;
    this.#request = request;
  }

  ofContainer(): Promise<Image> {
    return this.#provide(this.#request.identity.container);
  }

  /** Their ids, by the volume's name: pulled before the container is made, as by kubelet. */
  async ofVolumes(): Promise<ReadonlyMap<string, string>> {
    const { pod, identity } = this.#request;
    const ids = new Map<string, string>();
    for (const [name, { reference, pullPolicy }] of volumeImagesOf(pod, identity.container)) {
      const { name: container } = identity.container;
      const asked = { name: container, image: reference ?? '', ...(pullPolicy && { imagePullPolicy: pullPolicy }) };
      ids.set(name, (await this.#provide(asked)).id);
    }
    return ids;
  }

  #provide(container: Container): Promise<Image> {
    const { pod, identity, signal } = this.#request;
    const { references, recordEvent } = this.#context;
    const credentials = async () =>
      imagePullCredentials(await pullSecrets(pod, { references, recordEvent, signal }), container.image ?? '');
    return provideImage(this.#context, this.#puller, { pod, container, role: identity.role, credentials, signal });
  }
}

/** All images that a container waits for, as the spec names them. */
export function imagesOf(pod: Pod, container: Container): readonly string[] {
  const volumes = [...volumeImagesOf(pod, container).values()].flatMap(({ reference }) => reference ?? []);
  return [...volumes, container.image ?? ''];
}

type ImageVolume = NonNullable<NonNullable<NonNullable<Pod['spec']>['volumes']>[number]['image']>;

function volumeImagesOf({ spec }: Pod, { volumeMounts = [] }: Container): ReadonlyMap<string, ImageVolume> {
  const mounted = new Set(volumeMounts.map(({ name }) => name));
  return new Map(
    (spec?.volumes ?? []).flatMap(({ name, image }): [string, ImageVolume][] =>
      image && mounted.has(name) ? [[name, image]] : [],
    ),
  );
}
