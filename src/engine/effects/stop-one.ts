import { hasCode } from '../../support/errors.ts';
import { runHook } from '../hooks/run-hook.ts';
import type { Action } from '../plan/action.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import { fieldPathOf, specContainerNamed } from '../pod/spec-containers.ts';
import type { EffectKit } from './effect-kit.ts';

const retryAfterMs = 1000;

/** Runs a container's preStop hook, for no longer than its grace lasts; then it is to be signalled. */
export function beginPreStop(
  kit: EffectKit,
  memory: PodMemory,
  { attempt, hook, deadlineMs, message, restart }: Extract<Action, { readonly kind: 'run-pre-stop' }>,
): void {
  tellKilling(kit, memory, { attempt, message, restart });
  memory.stops.set(attempt.id, { deadlineMs, hook: 'running', signalledDeadlineMs: undefined });
  const found = specContainerNamed(memory.pod, attempt.name);
  const podIp = kit.view.get(memory.ref.uid)?.sandboxes[0]?.ips[0];
  const through = (): void => {
    const progress = memory.stops.get(attempt.id);
    if (progress) memory.stops.set(attempt.id, { ...progress, hook: 'done' });
  };
  kit.task(memory, `hook ${attempt.id}`, {
    work: async (signal) => {
      if (found) {
        await runHook(kit.context, {
          hook,
          pod: memory.pod,
          container: found.container,
          id: attempt.id,
          podIp,
          signal,
        });
      }
      through();
    },
    failed: () => {
      through();
      // What went wrong may hold secrets, so it is not told in the event.
      kit.record(memory, {
        type: 'Warning',
        reason: 'FailedPreStopHook',
        message: 'PreStopHook failed',
        ...(found && { fieldPath: fieldPathOf(found) }),
      });
    },
  });
}

/** Stops a container; again, with less time, where it is being stopped already. */
export function beginStop(
  kit: EffectKit,
  memory: PodMemory,
  { attempt, deadlineMs, graceSeconds, message, restart }: Extract<Action, { readonly kind: 'signal' }>,
): void {
  const before = memory.stops.get(attempt.id);
  if (!before) tellKilling(kit, memory, { attempt, message, restart });
  memory.stops.set(attempt.id, { deadlineMs, hook: before?.hook ?? 'none', signalledDeadlineMs: deadlineMs });
  kit.task(memory, `stop ${attempt.id} ${deadlineMs}`, {
    work: async () => {
      try {
        await kit.context.runtime.stopContainer(attempt.id, graceSeconds, { signal: kit.signal });
      } catch (error) {
        if (!hasCode(error, 'NotFound')) {
          kit.context.log.warn('a container could not be stopped; it will be tried again', {
            ...memory.ref,
            container: attempt.name,
            error,
          });
          await kit.context.clock.sleep(retryAfterMs, { signal: kit.signal });
          throw error;
        }
      }
      kit.view.touchContainer(memory.ref, attempt.id);
    },
    failed: () => {
      kit.view.touchContainer(memory.ref, attempt.id);
      const progress = memory.stops.get(attempt.id);
      if (progress) memory.stops.set(attempt.id, { ...progress, signalledDeadlineMs: undefined });
    },
  });
}

function tellKilling(
  kit: EffectKit,
  memory: PodMemory,
  { attempt, message, restart }: Pick<Extract<Action, { readonly kind: 'signal' }>, 'attempt' | 'message' | 'restart'>,
): void {
  if (restart) memory.restartAnyway.add(attempt.id);
  const fieldPath = fieldPathOf({ role: attempt.role, container: { name: attempt.name } });
  kit.record(memory, { type: 'Normal', reason: 'Killing', message, fieldPath });
}
