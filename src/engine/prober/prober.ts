import type { PodRef } from '../../kubernetes/objects.ts';
import {
  activeProbes,
  type ContainerHealth,
  firstTryDelayMs,
  initialHealth,
  isReady,
  isStarted,
  nextProbe,
} from '../../podspec/probes/container-health.ts';
import type { ProbeKind, ProbeSettings } from '../../podspec/probes/probe-settings.ts';
import { DelayedKeys } from '../../queue/delayed-keys.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { isAbortOf } from '../../support/abort.ts';
import type { EngineContext } from '../engine-context.ts';
import type { ProbeVerdict } from '../pod/notes.ts';
import { Slots } from '../slots.ts';
import { ProbeCounts } from './probe-counts.ts';
import type { ProbeTarget, Try } from './probe-target.ts';
import { tryProbe } from './try-probe.ts';

/** A container to be probed. */
export interface Patient extends ProbeTarget {
  readonly ref: PodRef;
  readonly fieldPath: string;
  /** What an earlier process of ours knew of it. */
  readonly known: { readonly started: boolean; readonly ready: boolean } | undefined;
}

interface Case {
  readonly patient: Patient;
  health: ContainerHealth;
  /** The pod is being ended. */
  deleting: boolean;
}

export interface ProberOptions {
  readonly context: Pick<EngineContext, 'clock' | 'random' | 'recordEvent' | 'log'> & {
    /** Runs the commands of exec probes. */
    readonly runtime: Pick<Runtime, 'exec'>;
  };
  /** What the probes say of a container of this pod has changed. */
  readonly wake: (uid: string) => void;
}

/** A kubelet's first try comes at any moment of the period; ours when most containers have opened their ports. */
const leastDelayMs = 500;
/** Probes tried at the same time. */
const parallelTries = 32;

/**
 * Tries the probes of all containers, each at its own times, with one timer for all: a heap holds what is due when. What
 * they say is asked for by the container's id.
 */
export class Prober {
  readonly #options: ProberOptions;
  /** By the container's id. */
  readonly #cases = new Map<string, Case>();
  readonly #idsByPod = new Map<string, ReadonlySet<string>>();
  readonly #due: DelayedKeys;
  readonly #slots = new Slots(parallelTries);
  readonly counts = new ProbeCounts();
  #signal: AbortSignal | undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#due = new DelayedKeys(options.context.clock, (key) => this.#onDue(key));
  }

  /** Begins to try, until the signal aborts. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#due.clear(), { once: true });
    for (const each of this.#cases.values()) this.#scheduleAll(each);
  }

  /** The containers of a pod that run now; those of it that it had before are forgotten. */
  attend(ref: PodRef, patients: readonly Patient[], { deleting }: { readonly deleting: boolean }): void {
    const ids = new Set(patients.map(({ id }) => id));
    for (const id of this.#idsByPod.get(ref.uid) ?? []) if (!ids.has(id)) this.#cases.delete(id);
    if (ids.size > 0) this.#idsByPod.set(ref.uid, ids);
    else this.#idsByPod.delete(ref.uid);
    for (const patient of patients) {
      const present = this.#cases.get(patient.id);
      if (present) {
        present.deleting = deleting;
        continue;
      }
      const fresh = { patient, health: initialHealth(patient.container, patient.known), deleting };
      this.#cases.set(patient.id, fresh);
      this.#scheduleAll(fresh);
    }
  }

  /** Nothing of the pod is probed any more. */
  forget(ref: PodRef): void {
    this.attend(ref, [], { deleting: true });
    this.counts.forget(ref.uid);
  }

  /** What the probes say; of a container that is not attended to, nothing bad. */
  verdict(id: string): ProbeVerdict {
    const health = this.#cases.get(id)?.health;
    if (!health) return { started: true, ready: true };
    const failed = failedProbe(health);
    return { started: isStarted(health), ready: isReady(health), ...(failed && { failed }) };
  }

  #scheduleAll(each: Case): void {
    for (const settings of activeProbes(each.health, each)) this.#scheduleFirst(each, settings);
  }

  /** One that was probed before waits a part of its period, so that not all are tried at our start. */
  #scheduleFirst({ patient }: Case, settings: ProbeSettings): void {
    if (!this.#signal || this.#signal.aborted) return;
    const { clock, random } = this.#options.context;
    const nowMs = clock.now();
    const delayMs = firstTryDelayMs(settings, patient.startedAtMs, nowMs);
    const openingMs = Math.max(patient.startedAtMs + leastDelayMs - nowMs, 0);
    const spreadMs = patient.known ? random() * settings.periodMs : 0;
    this.#due.add(`${settings.kind} ${patient.id}`, Math.max(delayMs, openingMs) + spreadMs);
  }

  #onDue(key: string): void {
    const kind = key.slice(0, key.indexOf(' ')) as ProbeKind;
    const each = this.#cases.get(key.slice(kind.length + 1));
    const settings = each && activeProbes(each.health, each).find((active) => active.kind === kind);
    const signal = this.#signal;
    if (!each || !settings || !signal || signal.aborted) return;
    const nextAtMs = this.#options.context.clock.now() + settings.periodMs;
    void this.#try(each, settings, signal).then(() => {
      if (!signal.aborted) this.#due.add(key, Math.max(nextAtMs - this.#options.context.clock.now(), 0));
    });
  }

  async #try(each: Case, settings: ProbeSettings, signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    try {
      const result = await this.#slots.use({ signal }, () =>
        tryProbe(context, settings, { target: each.patient, signal }),
      );
      // The container may be gone meanwhile.
      if (this.#cases.get(each.patient.id) === each) this.#take(each, settings, result);
    } catch (error) {
      if (!isAbortOf(signal, error)) context.log.error('a probe could not be tried', { ...each.patient.ref, error });
    }
  }

  #take(each: Case, settings: ProbeSettings, result: Try): void {
    const { patient } = each;
    const { kind } = settings;
    this.counts.add(patient.ref, patient.container.name, { kind, result: result.kind });
    this.#tell(patient, kind, result);
    const before = isStarted(each.health);
    const { health, outcome } = nextProbe(each.health, kind, result.kind === 'warning' ? 'success' : result.kind);
    each.health = health;
    if (outcome.kind === 'nothing') return;
    if (!before && isStarted(health)) this.#scheduleAll(each);
    this.#options.wake(patient.ref.uid);
  }

  #tell({ ref, fieldPath }: Patient, kind: ProbeKind, result: Try): void {
    if (result.kind === 'success') return;
    const probe = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} probe`;
    const message = {
      warning: `${probe} warning: ${result.output}`,
      failure: `${probe} failed: ${result.output}`,
      error: `${probe} errored and resulted in unknown state: ${result.output}`,
    }[result.kind];
    const reason = result.kind === 'warning' ? 'ProbeWarning' : 'Unhealthy';
    this.#options.context.recordEvent({ pod: ref, type: 'Warning', reason, message, fieldPath });
  }
}

/** The probe for whose sake the container is to be ended. */
function failedProbe({ startup, liveness }: ContainerHealth): ProbeVerdict['failed'] {
  const failed = [startup, liveness].find((probe) => probe?.decided && !probe.passed);
  if (!failed) return undefined;
  const { kind, terminationGracePeriodSeconds } = failed.settings;
  return { probe: kind === 'startup' ? 'startup' : 'liveness', graceSeconds: terminationGracePeriodSeconds };
}
