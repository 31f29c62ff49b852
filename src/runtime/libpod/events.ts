import type { Clock } from '../../support/clock.ts';
import { CodedError } from '../../support/errors.ts';
import type { CallOptions, LabelFilter, RuntimeEvent } from '../runtime.ts';
import { type LibpodClient, toFilters, toLabelFilter } from './client.ts';
import { isInfraName } from './infra-name.ts';
import { readJsonLines } from './json-lines.ts';
import { carries } from './labels.ts';

/** A line of `GET /events`. Labels and what Podman adds of its own share the attributes. */
export interface PodmanEvent {
  readonly Action?: string;
  readonly Actor?: {
    readonly ID: string;
    readonly Attributes: Readonly<Record<string, string>>;
  };
  /** Nanoseconds since the epoch. */
  readonly timeNano?: number;
  /** Instead of all else, where Podman cannot read its events. */
  readonly message?: string;
}

/** What changes a container's state. Execs and their ends are many, and change nothing. */
const actions = ['create', 'start', 'died', 'remove', 'pause', 'unpause'];

/**
 * Events since the first `next`, in order. Podman's stream ends when it puts its event file aside; then it is read on
 * from where it ended, and the last event may come again.
 */
export async function* watchEvents(
  { client, clock }: { readonly client: LibpodClient; readonly clock: Clock },
  filter: LabelFilter,
  options: CallOptions,
): AsyncGenerator<RuntimeEvent, void> {
  let sinceMs = clock.now();
  for (;;) {
    const stream = await client.stream(
      {
        method: 'GET',
        path: '/events',
        query: {
          stream: true,
          since: new Date(sinceMs - 1).toISOString(),
          // One label of the filter is enough for Podman, so we look again.
          filters: toFilters({ type: ['container'], event: actions, label: toLabelFilter(filter) }),
        },
      },
      options,
    );
    let heard = false;
    for await (const event of readJsonLines<PodmanEvent>(stream)) {
      const { Actor: actor, timeNano } = event;
      if (actor === undefined) {
        throw new CodedError('Unavailable', `Podman cannot tell its events: ${event.message ?? 'it does not say why'}`);
      }
      heard = true;
      if (timeNano !== undefined) sinceMs = Math.floor(timeNano / 1e6);
      if (carries(actor.Attributes, filter)) yield toRuntimeEvent(event.Action ?? '', actor);
    }
    if (!heard) return;
  }
}

/** What happens to an infra container happens to its sandbox. */
export function toRuntimeEvent(
  action: string,
  { ID, Attributes: attributes }: NonNullable<PodmanEvent['Actor']>,
): RuntimeEvent {
  const { name = '', podId } = attributes;
  return {
    action,
    labels: attributes,
    ...(podId ? { sandboxId: podId } : {}),
    ...(isInfraName(name) ? {} : { containerId: ID }),
  };
}

/** The exit codes of a container's processes that have ended since a time (RFC 3339), in order, as far as Podman keeps its events. */
export async function exitCodes(
  client: LibpodClient,
  { id, since }: { readonly id: string; readonly since: string },
  options: CallOptions,
): Promise<readonly number[]> {
  const query = { stream: false, since, filters: toFilters({ container: [id], event: ['died'] }) };
  const stream = await client.stream({ method: 'GET', path: '/events', query }, options);
  const codes: number[] = [];
  for await (const { Actor: actor } of readJsonLines<PodmanEvent>(stream)) {
    const code = actor?.Attributes['containerExitCode'];
    if (code !== undefined) codes.push(Number(code));
  }
  return codes;
}
