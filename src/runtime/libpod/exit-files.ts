import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CallOptions } from '../runtime.ts';
import { type LibpodClient, segment } from './client.ts';
import type { InspectedContainer } from './container-info.ts';

/**
 * The exit codes of commands, where the process that watches a command (conmon) writes them. Podman tells them too, but
 * may take so long to do so, while other commands start in the container, that it has forgotten them by then.
 */
export class ExitFiles {
  readonly #client: LibpodClient;
  /** Has a folder for each container; undefined until known. */
  #containersFolder: string | undefined;

  constructor(client: LibpodClient) {
    this.#client = client;
  }

  /** To be called before `watch`, with any container. */
  async prepare(containerId: string, options: CallOptions): Promise<void> {
    if (this.#containersFolder !== undefined) return;
    const path = `/containers/${segment(containerId)}/json`;
    const { Id, OCIConfigPath = '' } = await this.#client.json<InspectedContainer>({ method: 'GET', path }, options);
    const folder = dirname(dirname(dirname(OCIConfigPath)));
    if (OCIConfigPath === join(folder, Id, 'userdata/config.json')) this.#containersFolder = folder;
  }

  /** Of a command that has been started. Podman removes the file when it has read it. */
  watch(containerId: string, sessionId: string): ExitWatch {
    const folder = join(this.#containersFolder ?? '', containerId, 'userdata', sessionId, 'exit');
    return new ExitWatch(folder, containerId);
  }
}

export class ExitWatch {
  readonly #file: string;
  readonly #watcher: FSWatcher | undefined;
  #exitCode: number | undefined;

  constructor(folder: string, fileName: string) {
    this.#file = join(folder, fileName);
    try {
      this.#watcher = watch(folder, () => this.#look());
      this.#watcher.on('error', () => {});
    } catch {
      // It has ended, could not be started, or its files cannot be seen: Podman is then asked.
    }
    this.#look();
  }

  /** Undefined where it is not known. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  close(): void {
    this.#watcher?.close();
  }

  #look(): void {
    if (this.#exitCode !== undefined) return;
    try {
      const text = readFileSync(this.#file, 'utf8');
      if (/^\d+$/.test(text)) this.#exitCode = Number(text);
    } catch {
      // Not yet, or not any more.
    }
  }
}
