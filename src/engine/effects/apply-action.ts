import type { Action } from '../plan/action.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import { beginSandbox } from './create-sandbox.ts';
import type { EffectKit } from './effect-kit.ts';
import { beginVolumes } from './set-up-volumes.ts';
import { beginStart } from './start-one.ts';
import { beginPreStop, beginStop } from './stop-one.ts';

/**
 * Carries out what was planned for a pod. What may take long goes on by itself, and the pod is looked at again when it
 * is done; what only cleans up is waited for.
 */
export async function applyAction(kit: EffectKit, memory: PodMemory, action: Action): Promise<void> {
  const { runtime } = kit.context;
  const { signal } = kit;
  switch (action.kind) {
    case 'set-up-volumes':
      return beginVolumes(kit, memory);
    case 'create-sandbox':
      return beginSandbox(kit, memory, action);
    case 'start-container':
      return beginStart(kit, memory, action);
    case 'abandon-starts':
      return memory.busy.abandon(['volumes', 'sandbox', 'start']);
    case 'run-pre-stop':
      return beginPreStop(kit, memory, action);
    case 'signal':
      return beginStop(kit, memory, action);
    case 'stop-sandbox':
      await runtime.stopSandbox(action.id, { signal });
      return kit.view.touchSandboxes(memory.ref);
    case 'remove-sandbox':
      await runtime.removeSandbox(action.id, { signal });
      return kit.view.distrust(memory.ref);
    case 'remove-container':
      await runtime.removeContainer(action.id, { signal });
      return kit.view.touchContainer(memory.ref, action.id);
  }
}

/** Whether an action can wait until the pod's state has been told. */
export function isCleanup({ kind }: Action): boolean {
  return kind === 'stop-sandbox' || kind === 'remove-sandbox' || kind === 'remove-container';
}
