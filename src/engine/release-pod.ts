import { removePodFolder } from './disk/pod-folder.ts';
import { ownedBy } from './pod/labels.ts';
import type { PodMemory } from './pod/pod-memory.ts';
import type { LookTools } from './sync-pod.ts';

/**
 * Removes whatever there is of a pod: kills what still runs, removes its files, then its sandboxes with their
 * containers. Those are last: as long as anything is left, an engine after us finds the pod by it.
 */
export async function removePod({ context, view, prober, signal }: LookTools, memory: PodMemory): Promise<void> {
  const { runtime, owner, rootDir, mounts } = context;
  const { uid } = memory.ref;
  const filter = ownedBy(owner, uid);
  prober.forget(memory.ref);
  memory.busy.abandon();
  await memory.busy.ended(['volumes', 'sandbox', 'start']);

  const [sandboxes, containers] = await Promise.all([
    runtime.listSandboxes(filter, { signal }),
    runtime.listContainers(filter, { signal }),
  ]);
  const running = containers.filter(({ state }) => state.kind === 'running');
  await Promise.all(running.map(({ id }) => runtime.stopContainer(id, 0, { signal })));
  await memory.busy.ended();

  await removePodFolder(rootDir, uid, mounts);
  for (const { id } of sandboxes) await runtime.removeSandbox(id, { signal });
  const withSandbox = new Set(sandboxes.map(({ id }) => id));
  for (const { id, sandboxId } of containers) {
    if (!withSandbox.has(sandboxId)) await runtime.removeContainer(id, { signal });
  }
  view.forget(uid);
}
