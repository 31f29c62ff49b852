import type { PodRef } from '../kubernetes/objects.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';
import { type TrackedPod, trackPod } from './tracked-pod.ts';

/** All pods that this process knows about, by UID. */
export class PodTracker {
  readonly #pods = new Map<string, TrackedPod>();
  readonly #unsaved = new Set<string>();

  get(uid: string): TrackedPod | undefined {
    return this.#pods.get(uid);
  }

  /** The pod of this reference, known from now on. */
  track(ref: PodRef): TrackedPod {
    const known = this.#pods.get(ref.uid);
    if (known !== undefined) return known;
    const tracked = trackPod(ref);
    this.#pods.set(ref.uid, tracked);
    return tracked;
  }

  /** Notes what the provider has pushed. */
  observe(observed: ObservedPod): void {
    this.track(observed.ref).observed = observed;
    this.#unsaved.add(observed.ref.uid);
  }

  /** The API server has, or needs not, what was observed of the pod. */
  markSaved(uid: string): void {
    this.#unsaved.delete(uid);
  }

  /** Pods of which something was observed that no status tells yet. */
  get unsaved(): readonly string[] {
    return [...this.#unsaved];
  }

  forget(uid: string): void {
    this.#pods.delete(uid);
    this.#unsaved.delete(uid);
  }

  values(): Iterable<TrackedPod> {
    return this.#pods.values();
  }
}
