import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../test/cluster/cluster.ts';

export const project = fileURLToPath(new URL('..', import.meta.url));

/** virtual-kubelet, as it is started from source. */
export const program = [process.execPath, join(project, 'src/main.ts')] as const;

interface Running {
  readonly logFile: string;
  stop(): Promise<void>;
}

/** The processes of ours that run beside the story, inside the cluster's network. */
export class Background {
  readonly #cluster: Cluster;
  readonly #running: Running[] = [];
  readonly #failed = Promise.withResolvers<never>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#failed.promise.catch(() => {});
  }

  /** Rejects when one of them ends on its own. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  get logFiles(): readonly string[] {
    return this.#running.map(({ logFile }) => logFile);
  }

  /** Starts virtual-kubelet with these words; what it says goes to `logs/<name>.log`. */
  start(name: string, options: { readonly words: readonly string[]; readonly environment: NodeJS.ProcessEnv }): void {
    const logFile = join(this.#cluster.runDir, 'logs', `${name}.log`);
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, 'a');
    const [command = '', ...args] = this.#cluster.inside([...program, ...options.words]);
    const child = spawn(command, args, { env: options.environment, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    let stopping = false;
    const exited = new Promise<void>((resolve) => {
      const end = (how: string): void => {
        if (!stopping) this.#failed.reject(new Error(`${name} ended ${how}:\n${lastLines(logFile)}`));
        resolve();
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal === null ? `with code ${code}` : `by ${signal}`));
    });
    this.#running.push({
      logFile,
      stop: async () => {
        stopping = true;
        child.kill('SIGTERM');
        await exited;
      },
    });
  }

  /** Ends all of them, the last one first. */
  async stop(): Promise<void> {
    for (const one of this.#running.toReversed()) await one.stop();
  }
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n');
}
