import { open } from 'node:fs/promises';
import type { CallOptions, Runtime } from '../../runtime/runtime.ts';
import { CodedError } from '../../support/errors.ts';

export interface HeldNamespace {
  readonly path: string;
  /** The path means nothing from then on. */
  release(): Promise<void>;
}

/**
 * The processes of a running container, for another container to see (`targetContainerName`). Held open: its process may
 * end at any time, and the same id be given to another process of the machine. `Conflict` where it does not run.
 */
export async function holdPidNamespace(
  runtime: Pick<Runtime, 'inspectContainer'>,
  id: string,
  options: CallOptions,
): Promise<HeldNamespace> {
  const { state } = await runtime.inspectContainer(id, options);
  const file = state.kind === 'running' ? await open(`/proc/${state.pid}/ns/pid`).catch(() => undefined) : undefined;
  if (state.kind !== 'running' || file === undefined) throw new CodedError('Conflict', 'it does not run');
  try {
    // Only now is it certain that the namespace was its own.
    const { state: still } = await runtime.inspectContainer(id, options);
    if (still.kind !== 'running' || still.pid !== state.pid) throw new CodedError('Conflict', 'it has just ended');
  } catch (error) {
    await file.close();
    throw error;
  }
  return { path: `/proc/${process.pid}/fd/${file.fd}`, release: () => file.close() };
}
