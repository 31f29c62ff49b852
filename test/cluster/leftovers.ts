import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  deleteNamespace,
  enterNamespace,
  isInside,
  type NetworkNamespace,
  namespaceExists,
  processesIn,
} from './network-namespace.ts';
import { podmanPaths } from './podman.ts';
import { runCommand } from './run-command.ts';
import { waitFor } from './wait-for.ts';

/**
 * Ends all that a cluster consists of and removes every trace of it. A stop calls it, and so does a start, in case the
 * run before was killed: whatever is there is found by looking, not remembered.
 */
export async function removeCluster(runDir: string, namespace: NetworkNamespace): Promise<void> {
  if (isInside(namespace))
    throw new Error('A cluster cannot be ended from inside its network: leave that shell first.');
  // All but the watchers of containers, which Podman needs to end those.
  await endProcesses(namespace, (pid) => commandName(pid) !== 'conmon');
  if (existsSync(join(runDir, 'podman', 'storage'))) await removeContainers(runDir, namespace);
  await endProcesses(namespace, () => true);
  for (const mountPoint of mountPointsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), runDir)) {
    await runCommand(['umount', '--lazy', mountPoint]);
  }
  await deleteNamespace(namespace);
  rmSync(runDir, { recursive: true, force: true });
}

async function removeContainers(runDir: string, namespace: NetworkNamespace): Promise<void> {
  const options = {
    env: { ...process.env, ...podmanPaths(runDir).environment },
    signal: AbortSignal.timeout(60_000),
    uninterrupted: true,
  };
  const remove = ['rm', '--all', '--force', '--time', '0'];
  for (const words of [
    ['podman', 'pod', ...remove],
    // Containers that have joined another's network go with it.
    ['podman', ...remove, '--depend'],
  ]) {
    await runCommand(namespaceExists(namespace) ? enterNamespace(namespace, words) : words, options);
  }
}

async function endProcesses(namespace: NetworkNamespace, chosen: (pid: number) => boolean): Promise<void> {
  await waitFor(
    async () => {
      const pids = processesIn(namespace).filter(chosen);
      for (const pid of pids) kill(pid);
      return pids.length === 0;
    },
    { what: `the processes in ${namespace.path} to end`, timeoutMs: 20_000, intervalMs: 20 },
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function commandName(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The mount points at or below a folder in the text of /proc/self/mountinfo, the innermost first. */
export function mountPointsBelow(mountInfo: string, dir: string): string[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((path) => path !== undefined)
    .map((path) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((path) => path === dir || path.startsWith(`${dir}/`))
    .reverse();
}
