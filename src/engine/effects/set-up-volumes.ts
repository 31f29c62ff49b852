import { messageOf } from '../../support/errors.ts';
import { notePod } from '../disk/pod-folder.ts';
import { setUpVolumes } from '../disk/volumes-on-disk.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import type { EffectKit } from './effect-kit.ts';

/** Brings the pod's files on disk up to date. */
export function beginVolumes(kit: EffectKit, memory: PodMemory): void {
  const { context } = kit;
  const { pod } = memory;
  kit.task(memory, 'volumes', {
    work: async (signal) => {
      if (memory.noted !== pod) await notePod(context.rootDir, pod, context.owner);
      memory.noted = pod;
      const dueAtMs = await setUpVolumes(context, pod, { signal, present: memory.volumesPresent });
      // A pod that changed meanwhile is due at once.
      memory.volumesDueAtMs = memory.pod === pod ? dueAtMs : 0;
      memory.volumesReady = true;
      memory.holds.delete('volumes');
      kit.mountBackoff.reset(memory.ref.uid);
    },
    failed: (error) => {
      kit.record(memory, { type: 'Warning', reason: 'FailedMount', message: messageOf(error) });
      kit.hold(memory, 'volumes', error, () => kit.mountBackoff.nextDelayMs(memory.ref.uid));
    },
  });
}
