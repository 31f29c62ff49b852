import { CodedError } from '../support/errors.ts';
import type { Look } from './sync-pod.ts';

/** Which container's log is meant, as kubelet chooses it (`validateContainerLogStatus`). Rejects with `NotFound` for none. */
export function chooseLog(
  { actual, observed }: Look,
  { container, previous }: { readonly container: string; readonly previous: boolean },
): string {
  const name = observed.ref.name;
  const attempts = (actual.attempts.get(container) ?? []).filter(
    ({ state, lost }) => state.kind !== 'created' && !lost,
  );
  const state = observed.containers.find((each) => each.name === container)?.state;
  // While it waits for its next start, the last end is the previous one and the only one.
  const chosen = attempts[previous && state?.kind !== 'waiting' ? 1 : 0];
  if (chosen) return chosen.id;
  if (previous)
    throw new CodedError('NotFound', `previous terminated container "${container}" in pod "${name}" not found`);
  const why = state?.kind === 'waiting' ? state.reason : 'ContainerCreating';
  throw new CodedError('NotFound', `container "${container}" in pod "${name}" is waiting to start: ${why}`);
}
