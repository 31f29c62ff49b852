import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../test/cluster/cluster.ts';

export const project = fileURLToPath(new URL('..', import.meta.url));

/** virtual-kubelet, as it is started from source. */
export const program = [process.execPath, join(project, 'src/main.ts')] as const;

/** A process that runs beside the story. */
export interface Background {
  readonly logFile: string;
  /** Rejects when it ends on its own. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Starts virtual-kubelet with these words inside the cluster's network; what it says goes to `logs/<name>.log`. */
export function startInBackground(
  cluster: Cluster,
  name: string,
  options: { readonly words: readonly string[]; readonly environment: NodeJS.ProcessEnv },
): Background {
  const logFile = join(cluster.runDir, 'logs', `${name}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const [command = '', ...args] = cluster.inside([...program, ...options.words]);
  const child = spawn(command, args, { env: options.environment, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', resolve);
  });
  let stopping = false;
  const failed = exited.then((code) => {
    if (stopping) return new Promise<never>(() => {});
    throw new Error(`${name} ended with code ${code}:\n${lastLines(logFile)}`);
  });
  failed.catch(() => {});
  return {
    logFile,
    failed,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-20).join('\n');
}
