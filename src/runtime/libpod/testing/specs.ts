import { readFileSync } from 'node:fs';
import { hasCode } from '../../../support/errors.ts';
import type { ContainerInfo, ContainerSpec, Runtime, SandboxSpec } from '../../runtime.ts';
import { waitFor } from './podman-service.ts';

/** What all test containers and sandboxes carry. */
export const owner = { 'test/owner': 'us' };

export function sandboxSpec(name: string, more: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    name,
    labels: { ...owner, 'test/pod': name },
    hostname: name,
    hostNetwork: false,
    sharePids: false,
    sysctls: {},
    hostPorts: [],
    ...more,
  };
}

type SpecOfSandbox = Pick<ContainerSpec, 'sandboxId' | 'imageId' | 'name'> & Partial<ContainerSpec>;

export function containerSpec(spec: SpecOfSandbox): ContainerSpec {
  return {
    labels: { ...owner, 'test/container': spec.name },
    env: {},
    mounts: [],
    resources: {},
    supplementalGroups: [],
    readOnlyRoot: false,
    privileged: false,
    capabilitiesAdd: [],
    capabilitiesDrop: [],
    noNewPrivileges: false,
    stdin: false,
    tty: false,
    ...spec,
  };
}

/** Makes and starts containers in one sandbox. */
export class TestSandbox {
  readonly runtime: Runtime;
  readonly id: string;
  readonly #imageId: string;
  readonly #signal: AbortSignal;
  #serial = 0;

  constructor(
    runtime: Runtime,
    { id, imageId, signal }: { readonly id: string; readonly imageId: string; readonly signal: AbortSignal },
  ) {
    this.runtime = runtime;
    this.id = id;
    this.#imageId = imageId;
    this.#signal = signal;
  }

  async create(command: readonly string[], more: Partial<ContainerSpec> = {}): Promise<string> {
    const name = `c${++this.#serial}-${this.id.slice(0, 6)}`;
    const spec = containerSpec({ sandboxId: this.id, imageId: this.#imageId, name, command, ...more });
    return await this.runtime.createContainer(spec, { signal: this.#signal });
  }

  /** Starts a shell script in a container of its own. */
  async run(script: string, more: Partial<ContainerSpec> = {}): Promise<string> {
    const id = await this.create(['sh', '-c', script], more);
    await this.runtime.startContainer(id, { signal: this.#signal });
    return id;
  }

  /** Waits for the end of a container. */
  async ended(id: string): Promise<Extract<ContainerInfo['state'], { kind: 'exited' }>> {
    for (;;) {
      const { state } = await this.runtime.inspectContainer(id, { signal: this.#signal });
      if (state.kind === 'exited') return state;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What a container has written so far, without the times. */
  async output(id: string): Promise<string> {
    const path = await this.runtime.logPath(id, { signal: this.#signal });
    return readFileSync(path, 'utf8').replace(/^\S+ \S+ \S /gm, '');
  }

  /** Waits until a container has written a line. */
  async says(id: string, line: string): Promise<void> {
    await waitFor(`${id} says ${line}`, async () => (await this.output(id)).split('\n').includes(line));
  }
}

export async function isGone(lookUp: Promise<unknown>): Promise<boolean> {
  return await lookUp.then(
    () => false,
    (error: unknown) => hasCode(error, 'NotFound'),
  );
}
