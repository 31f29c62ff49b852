import type { Image, RegistryCredentials, Runtime } from '../../runtime/runtime.ts';
import { isAbortOf } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { messageOf } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import { untilAborted } from '../until-aborted.ts';
import { TaskFailure } from './task-failure.ts';

/** Fargate pulls for every task. Here tasks that start together share one pull: the registry is asked once. */
const sharedForMs = 30_000;

interface Pull {
  readonly image: Promise<Image>;
  readonly atMs: number;
}

/** Gets images for tasks. */
export class Images {
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pulls = new Map<string, Pull>();

  constructor(runtime: Runtime, options: { readonly clock: Clock; readonly log: Logger }) {
    this.#runtime = runtime;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /**
   * The image of this name, pulled anew; where that fails and the image is on this machine, because somebody built it
   * here, that one. Rejects with a `TaskFailure` in ECS's words.
   */
  async get(
    name: string,
    options: { readonly signal: AbortSignal; readonly credentials?: RegistryCredentials },
  ): Promise<Image> {
    const reference = fullReference(name);
    if (options.credentials) return this.#pull(reference, options);
    const shared = this.#pulls.get(reference);
    if (shared && this.#clock.now() - shared.atMs < sharedForMs) return untilAborted(shared.image, options.signal);
    // Not the signal of the first task: others wait for the same pull.
    const image = this.#pull(reference, { signal: new AbortController().signal });
    const pull: Pull = { image, atMs: this.#clock.now() };
    this.#pulls.set(reference, pull);
    image.catch(() => this.#pulls.delete(reference));
    return untilAborted(image, options.signal);
  }

  async #pull(
    reference: string,
    options: { readonly signal: AbortSignal; readonly credentials?: RegistryCredentials },
  ): Promise<Image> {
    try {
      return await this.#runtime.pullImage(reference, options);
    } catch (cause) {
      if (isAbortOf(options.signal, cause)) throw cause;
      const local = await this.#runtime.findImage(reference, options);
      if (local) {
        this.#log.debug('an image could not be pulled; the one on this machine is taken', { reference, error: cause });
        return local;
      }
      throw new TaskFailure(
        'CannotPullContainerError: pull image manifest has been retried 1 time(s): ' +
          `failed to resolve ref ${reference}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }
}

/** Docker's rules: `nginx` is docker.io/library/nginx:latest. */
export function fullReference(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const withHost = hasHost ? name : `docker.io/${slash < 0 ? 'library/' : ''}${name}`;
  const lastPart = withHost.slice(withHost.lastIndexOf('/'));
  return lastPart.includes(':') || lastPart.includes('@') ? withHost : `${withHost}:latest`;
}

/** The digest of an image from a registry. */
export function digestOf(image: Image): string | undefined {
  return image.repoDigest?.slice(image.repoDigest.indexOf('@') + 1);
}
