import { shouldRestart } from '../../podspec/containers.ts';
import { goDuration } from '../go-duration.ts';
import { type Attempt, type PodSandbox, runningAttempts } from '../pod/actual-pod.ts';
import { backOffShownAfterMs, type HoldKey } from '../pod/notes.ts';
import {
  ephemeralContainersOf,
  initContainersOf,
  mainContainersOf,
  podLabel,
  preStopOf,
  type SpecContainer,
} from '../pod/spec-containers.ts';
import type { Action, CrashLoop, Plan } from './action.ts';
import { nextAttempt } from './crash-backoff.ts';
import { planStop, type StopWish } from './plan-stop.ts';
import { activeDeadlineAtMs, type LifeInput, newestOf } from './why-ending.ts';

/** What keeps a living pod as its spec wants it, in kubelet's order: volumes, sandbox, init containers, the others. */
export function planLife(input: LifeInput): Plan {
  return new LifePlan(input).make();
}

/** How far a container is. */
type Progress = 'up' | 'done' | 'not yet';

class LifePlan {
  readonly #input: LifeInput;
  readonly #actions: Action[] = [];
  readonly #crashLoops = new Map<string, CrashLoop>();
  readonly #toStart = new Set<string>();
  #nextAtMs: number | undefined;
  /**
   * Nothing more is started for now: containers are started one at a time, so that a postStart hook holds back those
   * after it, as with kubelet.
   */
  #startsNoMore: boolean;

  constructor(input: LifeInput) {
    this.#input = input;
    this.#startsNoMore = input.notes.busy.has('start') || !input.notes.volumesReady;
  }

  make(): Plan {
    this.#lookAgainAt(activeDeadlineAtMs(this.#input));
    this.#planVolumes();
    this.#planSandbox();
    return {
      actions: this.#actions,
      crashLoops: this.#crashLoops,
      toStart: this.#toStart,
      stage: 'living',
      failure: undefined,
      nextAtMs: this.#nextAtMs,
    };
  }

  #planVolumes(): void {
    const { notes, nowMs } = this.#input;
    const due = notes.volumesReady ? notes.volumesDueAtMs : 0;
    if (due === undefined || notes.busy.has('volumes') || this.#isHeld('volumes')) return;
    if (due <= nowMs) this.#actions.push({ kind: 'set-up-volumes' });
    else this.#lookAgainAt(due);
  }

  #planSandbox(): void {
    const { actual, notes } = this.#input;
    const [newest, ...older] = actual.sandboxes;
    const stale = runningAttempts(actual).filter((attempt) => !newest?.ready || attempt.sandboxId !== newest.id);
    for (const attempt of stale) {
      this.#stop({ attempt, graceSeconds: this.#graceSeconds, message: `Stopping container ${attempt.name}` });
    }
    this.#removeLeftovers(older);
    if (newest?.ready) {
      this.#planContainers(newest);
      return;
    }
    if (stale.length > 0 || this.#startsNoMore || notes.busy.has('sandbox') || this.#isHeld('sandbox')) return;
    this.#actions.push({
      kind: 'create-sandbox',
      attempt: newest === undefined ? 0 : newest.attempt + 1,
      replaces: newest !== undefined && actual.attempts.size > 0,
    });
  }

  /** Of each container its newest two attempts stay, for its state and its last state; of sandboxes those that hold them. */
  #removeLeftovers(older: readonly PodSandbox[]): void {
    const kept = new Set<string>();
    for (const attempts of this.#input.actual.attempts.values()) {
      for (const [age, attempt] of attempts.entries()) {
        if (age < 2 || attempt.state.kind === 'running') kept.add(attempt.sandboxId);
        else this.#actions.push({ kind: 'remove-container', id: attempt.id });
      }
    }
    for (const { id, ready } of older) {
      if (!kept.has(id)) this.#actions.push({ kind: 'remove-sandbox', id });
      else if (ready) this.#actions.push({ kind: 'stop-sandbox', id });
    }
  }

  #planContainers(sandbox: PodSandbox): void {
    for (const each of ephemeralContainersOf(this.#input.pod)) this.#planEphemeral(each, sandbox);
    const main = mainContainersOf(this.#input.pod);
    const init = initContainersOf(this.#input.pod);
    const isIn = ({ container }: SpecContainer): boolean =>
      newestOf(this.#input, container.name)?.sandboxId === sandbox.id;
    // What stands after an init container has been started only because that one was through.
    const throughBefore = main.some(isIn) ? init.length : init.findLastIndex(isIn);
    for (const [index, each] of init.entries()) {
      const isThrough = index < throughBefore;
      if (isThrough && each.role !== 'sidecar') continue;
      if (this.#planContainer(each, sandbox) === 'not yet' && !isThrough) return;
    }
    for (const each of main) this.#planContainer(each, sandbox);
  }

  /** Started once, whatever the others have come to, and never again. */
  #planEphemeral(each: SpecContainer, sandbox: PodSandbox): void {
    const newest = newestOf(this.#input, each.container.name);
    if ((newest && newest.state.kind !== 'created') || this.#input.notes.busy.has('start')) return;
    // It could not be started, which the runtime has forgotten.
    if (this.#input.notes.history.get(each.container.name)?.terminated) return;
    // What it was to join is not held open any more.
    const isOutdated = newest && (newest.sandboxId !== sandbox.id || each.container.targetContainerName);
    if (isOutdated) this.#actions.push({ kind: 'remove-container', id: newest.id });
    else this.#start(each, sandbox, { attempt: 0, backoffMs: 0, ...(newest && { createdId: newest.id }) });
  }

  #planContainer(each: SpecContainer, sandbox: PodSandbox): Progress {
    const { pod, notes } = this.#input;
    const newest = newestOf(this.#input, each.container.name);
    if (!newest) {
      this.#start(each, sandbox, { attempt: 0, backoffMs: 0 });
      return 'not yet';
    }
    const isHere = newest.sandboxId === sandbox.id;
    switch (newest.state.kind) {
      case 'running':
        return isHere ? this.#planRunning(each, newest) : 'not yet';
      case 'created':
        if (isHere) this.#start(each, sandbox, { ...newest, createdId: newest.id });
        else this.#start(each, sandbox, { attempt: newest.attempt + 1, backoffMs: newest.backoffMs });
        return 'not yet';
      case 'exited': {
        const { exitCode } = newest.state;
        if (each.role === 'init' && isHere && exitCode === 0) return 'done';
        const again = notes.restartAnyway.has(newest.id) || shouldRestart(pod, each.container, exitCode);
        // An init container that succeeded in a former sandbox has to prepare this one too.
        if (!again && !(each.role === 'init' && exitCode === 0)) return 'done';
        this.#startAgain(each, sandbox, newest);
        return 'not yet';
      }
    }
  }

  #planRunning({ container, role }: SpecContainer, newest: Attempt): Progress {
    const { pod, notes } = this.#input;
    if (role === 'init') return 'not yet';
    const { started, failed } = notes.probed(newest.id);
    const subject = role === 'sidecar' ? 'Init container' : 'Container';
    if (newest.image !== container.image) {
      const message = `${subject} ${container.name} definition changed, will be restarted`;
      this.#stop({ attempt: newest, graceSeconds: this.#graceSeconds, message, restart: true });
    } else if (failed) {
      const restart = role === 'sidecar' || (container.restartPolicy ?? pod.spec?.restartPolicy) !== 'Never';
      const message = `${subject} ${container.name} failed ${failed.probe} probe${restart ? ', will be restarted' : ''}`;
      this.#stop({ attempt: newest, graceSeconds: failed.graceSeconds ?? this.#graceSeconds, message, restart });
    } else if (notes.stops.has(newest.id)) {
      return 'not yet';
    }
    return started ? 'up' : 'not yet';
  }

  #startAgain(each: SpecContainer, sandbox: PodSandbox, last: Attempt): void {
    const { container } = each;
    const next = nextAttempt(last, container.image ?? '');
    const fromMs = last.state.kind === 'exited' ? last.state.finishedAtMs : next.atMs;
    const waitMs = next.atMs - fromMs;
    this.#toStart.add(container.name);
    if (waitMs > 0) {
      this.#crashLoops.set(container.name, {
        attemptId: last.id,
        reason: 'CrashLoopBackOff',
        message: `back-off ${goDuration(waitMs)} restarting failed container=${container.name} pod=${podLabel(this.#input.pod)}`,
        fromMs,
        untilMs: next.atMs,
      });
    }
    if (next.atMs <= this.#input.nowMs) {
      this.#start(each, sandbox, { attempt: last.attempt + 1, backoffMs: next.backoffMs });
      return;
    }
    this.#lookAgainAt(next.atMs);
    // Until then a hold says why the last start failed.
    const shownAtMs = fromMs + backOffShownAfterMs;
    if (shownAtMs > this.#input.nowMs) this.#lookAgainAt(shownAtMs);
  }

  #start(
    { container, role, position }: SpecContainer,
    sandbox: PodSandbox,
    how: { readonly attempt: number; readonly backoffMs: number; readonly createdId?: string },
  ): void {
    this.#toStart.add(container.name);
    const { attempt, backoffMs, createdId } = how;
    const target = container.targetContainerName ? newestOf(this.#input, container.targetContainerName) : undefined;
    if (this.#startsNoMore || this.#isHeld(`container ${container.name}`, target)) return;
    this.#startsNoMore = true;
    this.#actions.push({
      kind: 'start-container',
      identity: { container, role, position, attempt, backoffMs },
      sandbox,
      createdId,
      targetId: target?.id,
    });
  }

  #stop(wish: Omit<StopWish, 'restart' | 'preStop'> & { readonly restart?: boolean }): void {
    const { pod, notes, nowMs } = this.#input;
    const preStop = preStopOf(pod, wish.attempt.name);
    const step = planStop({ restart: false, ...wish, preStop }, { stops: notes.stops, nowMs });
    if (step.action) this.#actions.push(step.action);
    this.#lookAgainAt(step.nextAtMs);
  }

  #isHeld(key: HoldKey, target?: Attempt): boolean {
    const hold = this.#input.notes.holds.get(key);
    if (hold === undefined || hold.untilMs <= this.#input.nowMs) return false;
    if (target?.state.kind === 'running' && target.id !== hold.targetId) return false;
    this.#lookAgainAt(hold.later && hold.later.atMs > this.#input.nowMs ? hold.later.atMs : hold.untilMs);
    return true;
  }

  #lookAgainAt(atMs: number | undefined): void {
    if (atMs !== undefined) this.#nextAtMs = Math.min(this.#nextAtMs ?? atMs, atMs);
  }

  get #graceSeconds(): number {
    return this.#input.pod.spec?.terminationGracePeriodSeconds ?? 30;
  }
}
