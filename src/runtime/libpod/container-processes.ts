import { readFileSync } from 'node:fs';
import type { InspectedContainer } from './container-info.ts';

/**
 * Whether we see the processes of containers at all: true once one was seen. A service on another machine, or outside
 * our process namespace, has processes that we do not see.
 */
export class ContainerProcesses {
  readonly #procPath: string;
  #visible = false;

  constructor(procPath = '/proc') {
    this.#procPath = procPath;
  }

  /**
   * Whether the processes of a container that Podman calls running are gone, both its own and the one that watches it.
   * Then Podman has not noticed and never will. They are also gone for a moment after each end, until Podman is asked
   * again.
   */
  areGone({ Id, State: state }: InspectedContainer): boolean {
    return !this.mayRun(Id, state.Pid) && (state.ConmonPid === undefined || !this.#exists(state.ConmonPid));
  }

  /** False where the container's process is certainly gone. */
  mayRun(containerId: string, pid: number): boolean {
    const cgroups = this.#read(pid);
    if (cgroups?.includes(containerId)) this.#visible = true;
    return !this.#visible || cgroups?.includes(containerId) === true;
  }

  #exists(pid: number): boolean {
    return this.#read(pid) !== undefined;
  }

  #read(pid: number): string | undefined {
    try {
      return readFileSync(`${this.#procPath}/${pid}/cgroup`, 'utf8');
    } catch {
      return undefined;
    }
  }
}
