import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { waitFor } from './wait-for.ts';

export interface Lock extends AsyncDisposable {
  readonly path: string;
}

/**
 * Takes a lock on a file, or gives undefined when another process holds it.
 *
 * flock(1) holds it for us until its standard input closes, so the kernel gives the lock back however we end, kill -9
 * included: there is never a stale lock to judge.
 */
export async function tryLock(path: string): Promise<Lock | undefined> {
  mkdirSync(dirname(path), { recursive: true });
  // Detached, so that the Ctrl-C of a terminal reaches us and not the lock, which is given back last.
  const holder = spawn('flock', ['--nonblock', path, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const closed = new Promise<void>((resolve) => holder.once('close', () => resolve()));
  const locked = await new Promise<boolean>((resolve, reject) => {
    holder.once('error', (cause) => reject(new Error('flock cannot be run: install util-linux.', { cause })));
    holder.stdout.once('data', () => resolve(true));
    holder.once('close', () => resolve(false));
  });
  if (!locked) return undefined;
  holder.unref();
  holder.stdout.destroy();
  return {
    path,
    async [Symbol.asyncDispose]() {
      holder.ref();
      holder.stdin.end();
      await closed;
    },
  };
}

/** Takes a lock, waiting for as long as another process holds it. */
export async function waitForLock(
  path: string,
  { signal, onWait }: { signal?: AbortSignal | undefined; onWait: () => void },
): Promise<Lock> {
  const first = await tryLock(path);
  if (first !== undefined) return first;
  onWait();
  return waitFor(() => tryLock(path), { what: `the lock ${path}`, timeoutMs: 30 * 60_000, intervalMs: 500, signal });
}
