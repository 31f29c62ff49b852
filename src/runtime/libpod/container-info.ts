import type { ContainerInfo } from '../runtime.ts';

/** What we read of `GET /containers/{id}/json`. */
export interface InspectedContainer {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  /** Id of the pod. */
  readonly Pod: string;
  /** Id of the image. */
  readonly Image: string;
  readonly ImageName: string;
  readonly IsInfra: boolean;
  /** Of a container that was started. */
  readonly OCIConfigPath?: string;
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    /** Of the process that watches the container; absent where there is none. */
    readonly ConmonPid?: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Error?: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null;
    /** A number up to Podman 4, a name since. */
    readonly StopSignal: number | string;
  };
  readonly HostConfig: { readonly LogConfig: { readonly Path: string } };
  /** Of the overlay driver; others name nothing that holds the container's own files alone. */
  readonly GraphDriver?: { readonly Data?: { readonly UpperDir?: string } | null };
  readonly NetworkSettings: {
    readonly Networks?: Readonly<
      Record<string, { readonly IPAddress: string; readonly GlobalIPv6Address: string }>
    > | null;
  };
}

/** What we read of an entry of `GET /containers/json`. */
export interface ListedContainer {
  readonly Id: string;
  readonly State: string;
  readonly Pid: number;
  /** Whole seconds since the epoch; far before it for never. */
  readonly StartedAt: number;
  readonly IsInfra: boolean;
}

export type StateKind = ContainerInfo['state']['kind'];

/** The exit code where nobody has seen the process end; containerd gives the same. */
export const unknownExitCode = 255;

const kinds: Readonly<Record<string, StateKind>> = {
  configured: 'created',
  created: 'created',
  initialized: 'created',
  running: 'running',
  paused: 'running',
  // Somebody has asked it to stop, and it has not ended yet.
  stopping: 'running',
  stopped: 'exited',
  exited: 'exited',
};

/**
 * The state of a container that Podman calls `status`; what is being removed has ended if it ever started, and so has what
 * Podman has made ready for a second start.
 */
export function stateKind(status: string, startedAtMs: number): StateKind {
  const kind = kinds[status] ?? 'created';
  return kind === 'created' && startedAtMs > 0 ? 'exited' : kind;
}

/**
 * Whether the container has ended and Podman has made it ready to be started again, of which nobody but itself has asked:
 * it does so where somebody attaches to one that has just ended, and also forgets how it ended.
 */
export function isRevived({ State: state }: InspectedContainer): boolean {
  return kinds[state.Status] === 'created' && Date.parse(state.StartedAt) > 0;
}

export function isRunning({ State: state }: InspectedContainer): boolean {
  return stateKind(state.Status, Date.parse(state.StartedAt)) === 'running';
}

/** `oomKilled` is asked only about containers that ended with an error. */
export function toContainerInfo(container: InspectedContainer, oomKilled: (id: string) => boolean): ContainerInfo {
  return {
    id: container.Id,
    name: container.Name,
    sandboxId: container.Pod,
    labels: container.Config.Labels ?? {},
    image: container.ImageName,
    imageId: container.Image,
    createdAtMs: Date.parse(container.Created),
    state: toState(container, oomKilled),
  };
}

function toState(container: InspectedContainer, oomKilled: (id: string) => boolean): ContainerInfo['state'] {
  const { Id, State: state } = container;
  const startedAtMs = Date.parse(state.StartedAt);
  const kind = stateKind(state.Status, startedAtMs);
  switch (kind) {
    case 'created':
      return { kind };
    case 'running':
      return { kind, startedAtMs, pid: state.Pid };
    case 'exited': {
      const finishedAtMs = Date.parse(state.FinishedAt);
      // Podman did not see the end where the machine or the watching process went down with the container.
      const seen = finishedAtMs > 0 && state.ExitCode >= 0;
      const exitCode = seen ? state.ExitCode : unknownExitCode;
      return {
        kind,
        startedAtMs,
        // The kernel stamps the end with a coarser clock than Podman the start.
        finishedAtMs: Math.max(finishedAtMs, startedAtMs),
        exitCode,
        oomKilled: exitCode !== 0 && (state.OOMKilled || oomKilled(Id)),
        ...(state.Error ? { error: state.Error } : {}),
      };
    }
  }
}

/** Changes whenever what an inspect says may have changed; made from a list and from an inspect alike. */
export function versionOfListed(entry: ListedContainer): string {
  return `${stateKind(entry.State, entry.StartedAt * 1000)} ${entry.StartedAt}`;
}

export function versionOfInspected({ State: state }: InspectedContainer): string {
  const startedAtMs = Date.parse(state.StartedAt);
  return `${stateKind(state.Status, startedAtMs)} ${Math.floor(startedAtMs / 1000)}`;
}
