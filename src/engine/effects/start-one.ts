import { CodedError, messageOf } from '../../support/errors.ts';
import { runHook } from '../hooks/run-hook.ts';
import type { Action } from '../plan/action.ts';
import type { ContainerIdentity } from '../pod/labels.ts';
import { backOffShownAfterMs, type Hold, type HoldKey } from '../pod/notes.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import { fieldPathOf } from '../pod/spec-containers.ts';
import { startContainer } from '../start/start-container.ts';
import { isUnanswered } from '../unanswered.ts';
import { type EffectKit, retryMs, unansweredRetryMs } from './effect-kit.ts';

type StartAction = Extract<Action, { readonly kind: 'start-container' }>;

/** Starts a container and sees its postStart hook through. */
export function beginStart(
  kit: EffectKit,
  memory: PodMemory,
  { identity, sandbox, createdId, targetId }: StartAction,
): void {
  const { context, view, tools } = kit;
  const { container } = identity;
  const key: HoldKey = `container ${container.name}`;
  const onCreated = (id: string): void => {
    if (container.lifecycle?.postStart) memory.postStarting = id;
  };
  kit.task(memory, 'start', {
    work: async (signal) => {
      try {
        const request = { pod: memory.pod, identity, sandbox, createdId, targetId, onCreated };
        const id = await startContainer(context, tools, { ...request, signal, engineSignal: kit.signal });
        view.touchContainer(memory.ref, id);
        kit.pullBackoff.reset(pullKey(memory, identity));
        const podIp = memory.pod.spec?.hostNetwork ? context.node.ip : sandbox.ips[0];
        await runPostStart(kit, memory, { identity, id, podIp, signal });
        memory.holds.delete(key);
      } finally {
        memory.postStarting = undefined;
      }
    },
    failed: (error) => {
      view.distrust(memory.ref);
      memory.holds.set(key, { ...holdAfter(kit, memory, { identity, error }), targetId });
    },
  });
}

/** A container whose hook fails is killed, and started again as its restartPolicy says. */
async function runPostStart(
  kit: EffectKit,
  memory: PodMemory,
  run: {
    readonly identity: ContainerIdentity;
    readonly id: string;
    readonly podIp: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { identity, id, podIp, signal } = run;
  const { container } = identity;
  const hook = container.lifecycle?.postStart;
  if (!hook) return;
  const fieldPath = fieldPathOf(identity);
  try {
    await runHook(kit.context, { hook, pod: memory.pod, container, id, podIp, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    // What went wrong may hold secrets, so it is not told in the event.
    kit.record(memory, { type: 'Warning', reason: 'FailedPostStartHook', message: 'PostStartHook failed', fieldPath });
    kit.record(memory, { type: 'Normal', reason: 'Killing', message: 'FailedPostStartHook', fieldPath });
    const graceSeconds = memory.pod.spec?.terminationGracePeriodSeconds ?? 30;
    await kit.context.runtime.stopContainer(id, graceSeconds, { signal: kit.signal });
    throw new CodedError('Internal', messageOf(error), { reason: 'PostStartHookError', cause: error });
  }
}

/** What the container's state says after a failure, and when the next try is. */
function holdAfter(
  kit: EffectKit,
  memory: PodMemory,
  { identity, error }: { readonly identity: ContainerIdentity; readonly error: unknown },
): Hold {
  const nowMs = kit.now();
  const reason = error instanceof CodedError ? error.reason : undefined;
  if (isUnanswered(error) || reason === undefined) return { untilMs: nowMs + unansweredRetryMs };
  const waiting = { reason, message: messageOf(error) };
  if (reason !== 'ErrImagePull') return { untilMs: nowMs + retryMs, waiting };
  return {
    untilMs: nowMs + kit.pullBackoff.nextDelayMs(pullKey(memory, identity)),
    waiting,
    later: {
      atMs: nowMs + backOffShownAfterMs,
      reason: 'ImagePullBackOff',
      message: `Back-off pulling image "${identity.container.image}": ErrImagePull: ${waiting.message}`,
    },
  };
}

function pullKey({ ref }: PodMemory, { container }: ContainerIdentity): string {
  return `${ref.uid} ${container.image}`;
}
