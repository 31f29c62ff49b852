import type { PodRef } from '../../kubernetes/objects.ts';
import type { ProbeKind } from '../../podspec/probes/probe-settings.ts';
import type { Try } from './probe-target.ts';

/** How often a probe of a container has ended how, since we began to count. */
export interface ProbeTally {
  readonly ref: PodRef;
  readonly container: string;
  readonly kind: ProbeKind;
  successful: number;
  failed: number;
  unknown: number;
}

/** Counts tries, for whoever scrapes them. */
export class ProbeCounts {
  readonly #byPod = new Map<string, Map<string, ProbeTally>>();

  add(
    ref: PodRef,
    container: string,
    { kind, result }: { readonly kind: ProbeKind; readonly result: Try['kind'] },
  ): void {
    const ofPod = this.#byPod.get(ref.uid) ?? new Map<string, ProbeTally>();
    this.#byPod.set(ref.uid, ofPod);
    const key = `${kind} ${container}`;
    const tally = ofPod.get(key) ?? { ref, container, kind, successful: 0, failed: 0, unknown: 0 };
    ofPod.set(key, tally);
    if (result === 'error') tally.unknown += 1;
    else if (result === 'failure') tally.failed += 1;
    else tally.successful += 1;
  }

  forget(uid: string): void {
    this.#byPod.delete(uid);
  }

  *all(): Iterable<ProbeTally> {
    for (const ofPod of this.#byPod.values()) yield* ofPod.values();
  }
}
