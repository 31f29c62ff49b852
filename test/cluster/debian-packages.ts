import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCommand, runCommand, tryCommand } from './run-command.ts';

export async function isDebian(): Promise<boolean> {
  return (await hasCommand('apt-get')) && (await hasCommand('dpkg-deb'));
}

/**
 * Unpacks distribution packages into a folder, without installing them: an installed nginx or docker-registry would
 * start as a service of the machine.
 */
export async function unpackDebianPackages(
  packages: readonly string[],
  into: string,
  signal?: AbortSignal,
): Promise<void> {
  const downloads = mkdtempSync(join(tmpdir(), 'vk-packages-'));
  try {
    await withPackageLists(() => runCommand(['apt-get', 'download', ...packages], { cwd: downloads, signal }), signal);
    mkdirSync(into, { recursive: true });
    for (const file of readdirSync(downloads)) {
      await runCommand(['dpkg-deb', '--extract', join(downloads, file), into], { signal });
    }
  } finally {
    rmSync(downloads, { recursive: true, force: true });
  }
}

/** The packages that a package depends on directly and that the machine's Debian has under one name. */
export async function directDependencies(name: string, signal?: AbortSignal): Promise<string[]> {
  const output = await withPackageLists(
    () => runCommand(['apt-cache', 'depends', '--important', name], { signal }),
    signal,
  );
  return output
    .split('\n')
    .map((line) => /^ {2}(?:Pre)?Depends: ([a-z0-9][a-z0-9+.-]*)$/.exec(line)?.[1])
    .filter((dependency) => dependency !== undefined);
}

/** Tries again with fresh package lists: they are often absent, and then old. */
export async function withPackageLists<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    const update = await tryCommand(['apt-get', 'update', '--quiet'], { signal });
    if (update.code !== 0) throw error;
    return await work();
  }
}
