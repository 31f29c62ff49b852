import type { ObservedPod } from '../podspec/status/observed.ts';
import { podFolder } from './disk/pod-folder.ts';
import { maxLogBytes, maxLogLines, readTerminationMessage } from './disk/termination-message.ts';
import { applyAction, isCleanup } from './effects/apply-action.ts';
import type { EffectKit } from './effects/effect-kit.ts';
import type { EngineContext } from './engine-context.ts';
import { readLog } from './logs/read-log.ts';
import type { Plan } from './plan/action.ts';
import { planPod } from './plan/plan-pod.ts';
import { type ActualPod, type Attempt, nothingOf } from './pod/actual-pod.ts';
import { remember, withLostAttempts } from './pod/history.ts';
import { observePod } from './pod/observe.ts';
import type { PodMemory } from './pod/pod-memory.ts';
import { fieldPathOf, podLabel, specContainerNamed } from './pod/spec-containers.ts';
import { patientsOf } from './prober/patients.ts';
import type { Prober } from './prober/prober.ts';
import type { RuntimeView } from './runtime-view.ts';

export interface Look {
  readonly actual: ActualPod;
  readonly plan: Plan;
  readonly observed: ObservedPod;
}

export interface LookTools {
  readonly context: EngineContext;
  readonly view: RuntimeView;
  readonly prober: Prober;
  readonly signal: AbortSignal;
}

/** Looks at one pod: what there is, what is to be done, what is to be said. Changes nothing but our notes. */
export async function lookAt(tools: LookTools, memory: PodMemory): Promise<Look> {
  const { context, view, signal } = tools;
  const { uid } = memory.ref;
  await view.refresh(uid, { signal });
  const known = view.get(uid) ?? nothingOf(memory.ref);
  remember(memory.history, known);
  const actual = withLostAttempts(memory.pod, known, memory.history);
  memory.tidy(actual);
  await noteLastWords(tools, memory, actual);
  attend(tools, memory, actual);
  const nowMs = context.clock.now();
  const plan = planPod({ pod: memory.pod, actual, notes: memory, nowMs });
  const observed = observePod({
    memory,
    actual,
    plan,
    nowMs,
    runtimeName: context.runtime.name,
    nodeIp: context.node.ip,
  });
  return { actual, plan, observed };
}

/**
 * One round for one pod, level-based: looks, begins what is to be done, tells what has changed, cleans up. Gives when to
 * come again; events bring it sooner.
 */
export async function syncPod(
  kit: EffectKit,
  memory: PodMemory,
  push: (pod: ObservedPod) => void,
): Promise<{ readonly retryAfterMs?: number }> {
  const { plan, observed } = await lookAt(kit, memory);
  const isOurs = memory.isInHand || memory.deletion !== undefined;
  if (isOurs) {
    if (plan.stage !== 'living') memory.endingSinceMs ??= kit.now();
    announce(kit, memory, plan);
    for (const action of plan.actions) if (!isCleanup(action)) await applyAction(kit, memory, action);
  }
  pushIfChanged(memory, observed, push);
  if (!isOurs) return {};
  for (const action of plan.actions) if (isCleanup(action)) await applyAction(kit, memory, action);
  return plan.nextAtMs === undefined ? {} : { retryAfterMs: Math.max(plan.nextAtMs - kit.now(), 0) };
}

export function pushIfChanged(memory: PodMemory, observed: ObservedPod, push: (pod: ObservedPod) => void): void {
  const json = JSON.stringify(observed);
  if (json === memory.pushed) return;
  memory.pushed = json;
  push(observed);
}

/** Pods that were found and not asked for are not probed: what was known of their containers is not known here. */
function attend({ context, prober }: LookTools, memory: PodMemory, actual: ActualPod): void {
  if (!memory.isInHand) return;
  const deleting = memory.deletion !== undefined || memory.endingSinceMs !== undefined;
  prober.attend(memory.ref, patientsOf(memory, actual, context.node.ip), { deleting });
}

/** Reads what containers that have ended left as their last words, once for each. */
async function noteLastWords(tools: LookTools, memory: PodMemory, actual: ActualPod): Promise<void> {
  for (const attempt of [...actual.attempts.values()].flat()) {
    if (attempt.state.kind !== 'exited' || attempt.lost || memory.terminationMessages.has(attempt.id)) continue;
    const message = await readTerminationMessage({
      container: specContainerNamed(memory.pod, attempt.name)?.container,
      path: podFolder(tools.context.rootDir, memory.ref.uid).terminationMessage(attempt.name, attempt.attempt),
      exitCode: attempt.state.exitCode,
      readLogEnd: () => endOfLog(tools, attempt),
    });
    memory.terminationMessages.set(attempt.id, message);
  }
}

async function endOfLog({ context, signal }: LookTools, { id }: Attempt): Promise<string> {
  try {
    const path = await context.runtime.logPath(id, { signal });
    const chunks = await Array.fromAsync(readLog(path, { timestamps: false, tailLines: maxLogLines, signal }));
    return Buffer.concat(chunks).subarray(-maxLogBytes).toString();
  } catch (error) {
    if (signal.aborted) throw error;
    return '';
  }
}

/** Tells, once each, that a container waits for its next start or pull, and why a pod is ended. */
function announce(kit: EffectKit, memory: PodMemory, plan: Plan): void {
  if (plan.failure && !memory.announced.has(plan.failure.reason)) {
    memory.announced.add(plan.failure.reason);
    kit.record(memory, { type: memory.eviction === undefined ? 'Normal' : 'Warning', ...plan.failure });
  }
  for (const [name, { attemptId }] of plan.crashLoops) {
    const found = specContainerNamed(memory.pod, name);
    if (!found || memory.announced.has(attemptId)) continue;
    memory.announced.add(attemptId);
    const message = `Back-off restarting failed container ${name} in pod ${podLabel(memory.pod)}`;
    kit.record(memory, { type: 'Warning', reason: 'BackOff', message, fieldPath: fieldPathOf(found) });
  }
  for (const [key, hold] of memory.holds) {
    const found = specContainerNamed(memory.pod, key.replace(/^container /, ''));
    const id = `${key} ${hold.untilMs}`;
    if (!hold.later || hold.later.atMs > kit.now() || !found || memory.announced.has(id)) continue;
    memory.announced.add(id);
    const message = `Back-off pulling image "${found.container.image}"`;
    kit.record(memory, { type: 'Normal', reason: 'BackOff', message, fieldPath: fieldPathOf(found) });
  }
}
