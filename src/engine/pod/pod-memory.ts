import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { Tasks } from '../tasks.ts';
import type { ActualPod } from './actual-pod.ts';
import { historyFromStatus, type LastKnown } from './history.ts';
import type { Deletion, Hold, HoldKey, PodNotes, ProbeVerdict, StopProgress } from './notes.ts';

/** One pod that we know: what is wanted of it, and the notes that make its next plan better. */
export class PodMemory implements PodNotes {
  readonly ref: PodRef;
  readonly seenAtMs: number;
  pod: Pod;
  /** Somebody asked for it in this process's life. Else it was found, and is only shown until somebody does, or ends it. */
  isInHand = false;
  deletion: Deletion | undefined = undefined;
  endingSinceMs: number | undefined = undefined;
  eviction: string | undefined = undefined;
  volumesReady = false;
  volumesDueAtMs: number | undefined = undefined;
  /** Digests of volumes that are on disk, by name. */
  readonly volumesPresent = new Map<string, string>();
  readonly busy = new Tasks();
  readonly holds = new Map<HoldKey, Hold>();
  readonly stops = new Map<string, StopProgress>();
  readonly restartAnyway = new Set<string>();
  readonly history: Map<string, LastKnown>;
  readonly probed: (id: string) => ProbeVerdict;
  /** The container whose postStart hook is to run or runs: until it is through it does not count as running. */
  postStarting: string | undefined = undefined;
  /** Last words of ended containers, by id. */
  readonly terminationMessages = new Map<string, string>();
  /** What was told by an event and is not told again. */
  readonly announced = new Set<string>();
  /** The pod as it was last written down in its folder. */
  noted: Pod | undefined = undefined;
  /** The observation pushed last, as JSON. */
  pushed: string | undefined = undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(pod: Pod, { nowMs, probed }: { readonly nowMs: number; readonly probed: PodNotes['probed'] }) {
    this.ref = podRef(pod);
    this.pod = pod;
    this.seenAtMs = nowMs;
    this.probed = probed;
    this.history = historyFromStatus(pod);
  }

  /** The pod as the API server has it, with its last status. */
  takeInHand(pod: Pod): void {
    this.pod = pod;
    if (this.isInHand) return;
    this.isInHand = true;
    for (const [name, known] of historyFromStatus(pod)) {
      if (known.attempt > (this.history.get(name)?.attempt ?? -1)) this.history.set(name, known);
    }
  }

  /** Runs `work` when what was begun before has ended: nothing else then changes this pod. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Drops what is noted of containers that do not run or do not exist any more. */
  tidy(actual: ActualPod): void {
    const attempts = [...actual.attempts.values()].flat();
    const running = new Set(attempts.filter(({ state }) => state.kind === 'running').map(({ id }) => id));
    const present = new Set(attempts.map(({ id }) => id));
    for (const id of this.stops.keys()) if (!running.has(id)) this.stops.delete(id);
    for (const id of this.restartAnyway) if (!present.has(id)) this.restartAnyway.delete(id);
    for (const id of this.terminationMessages.keys()) if (!present.has(id)) this.terminationMessages.delete(id);
  }
}
