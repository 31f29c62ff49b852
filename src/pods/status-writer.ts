import { type ApiClient, pods } from '../apiserver/client.ts';
import type { Pod, PodRef } from '../kubernetes/objects.ts';
import type { StatusPatch } from '../podspec/status/status-patch.ts';
import { hasCode } from '../support/errors.ts';

/** Writes to the API server what a pod has come to. */
export class StatusWriter {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /**
   * One request. Gives the pod as it is then; undefined where there is none of this name any more. Where another pod has
   * taken the name, the UID in the patch ends it in `Conflict`, which is to be tried again: by then the store knows.
   */
  async write({ namespace, name }: PodRef, patch: StatusPatch, signal: AbortSignal): Promise<Pod | undefined> {
    const options = { type: 'strategic', subresource: 'status', signal } as const;
    return this.#unlessGone(() => this.#client.patch(pods, { namespace, name }, patch, options));
  }

  /** Deletes the pod's object, that of this UID and no other (`Conflict`, as above). Resolves where it is gone. */
  async remove({ namespace, name, uid }: PodRef, signal: AbortSignal): Promise<void> {
    const options = { gracePeriodSeconds: 0, uid, signal };
    await this.#unlessGone(() => this.#client.delete(pods, { namespace, name }, options));
  }

  async #unlessGone<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}
