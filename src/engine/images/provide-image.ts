import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { defaultPullPolicy, normalizedImage } from '../../podspec/images/image-reference.ts';
import type { Image, RegistryCredentials } from '../../runtime/runtime.ts';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import { goDuration } from '../go-duration.ts';
import { fieldPathOf, type SpecContainer } from '../pod/spec-containers.ts';
import { isUnanswered } from '../unanswered.ts';
import type { ImagePuller } from './image-puller.ts';

export interface ImageRequest extends Omit<SpecContainer, 'position'> {
  readonly pod: Pod;
  /** The pod's credentials for this image, looked up only where it is pulled. */
  readonly credentials: () => Promise<readonly RegistryCredentials[]>;
  readonly signal: AbortSignal;
}

/**
 * The image for a container, by its pull policy, with kubelet's events. Rejects with kubelet's word as `reason`:
 * `InvalidImageName`, `ErrImageNeverPull`, `ErrImagePull`.
 */
export async function provideImage(
  { runtime, clock, recordEvent }: Pick<EngineContext, 'runtime' | 'clock' | 'recordEvent'>,
  puller: ImagePuller,
  request: ImageRequest,
): Promise<Image> {
  const { pod, container, signal } = request;
  const named = container.image ?? '';
  const record = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    recordEvent({ pod: podRef(pod), type, reason, message, fieldPath: fieldPathOf(request) });
  const reference = readName(named, record);
  const policy = container.imagePullPolicy ?? defaultPullPolicy(named);

  if (policy !== 'Always') {
    const present = await runtime.findImage(reference, { signal });
    if (present) {
      record(
        'Normal',
        'Pulled',
        `Container image "${named}" already present on machine and can be accessed by the pod`,
      );
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${named}" is not present with pull policy of Never`;
      record('Warning', 'ErrImageNeverPull', message);
      throw new CodedError('Unavailable', message, { reason: 'ErrImageNeverPull' });
    }
  }

  const credentials = await request.credentials();
  record('Normal', 'Pulling', `Pulling image "${named}"`);
  const startedAtMs = clock.now();
  try {
    const { image, pullMs } = await puller.pull({ reference, credentials, signal });
    const waitedMs = clock.now() - startedAtMs;
    // Who came later waited for a part of the pull only.
    const took = `in ${goDuration(Math.min(pullMs, waitedMs))} (${goDuration(waitedMs)} including waiting)`;
    record('Normal', 'Pulled', `Successfully pulled image "${named}" ${took}. Image size: ${image.sizeBytes} bytes.`);
    return image;
  } catch (error) {
    // That the runtime is away says nothing about the image.
    if (signal.aborted || isUnanswered(error)) throw error;
    record('Warning', 'Failed', `Failed to pull image "${named}": ${messageOf(error)}`);
    throw new CodedError('Internal', messageOf(error), { reason: 'ErrImagePull', cause: error });
  }
}

function readName(named: string, record: (type: 'Warning', reason: string, message: string) => void): string {
  try {
    return normalizedImage(named);
  } catch (error) {
    const message = `Failed to apply default image tag "${named}": ${messageOf(error)}`;
    record('Warning', 'InspectFailed', message);
    throw new CodedError('InvalidInput', message, { reason: 'InvalidImageName', cause: error });
  }
}
