import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where whatever is slow to make is kept between runs: binaries, image layers. */
export function cacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'virtual-kubelet');
}

const runRoot = '/var/lib/vk-clusters';

/**
 * The folder that holds everything that a running cluster writes. It is the same for every run with that name, so that
 * a start finds what a crash left. It is on a disk rather than on /run, because containers are executed from it and
 * /run is often small and mounted noexec; it is short, because Podman refuses a run root of more than 50 characters.
 */
export function clusterDir(name: string): string {
  if (!/^[a-z][a-z0-9]{0,11}$/.test(name)) {
    throw new Error(
      `'${name}' cannot be the name of a cluster: use up to 12 lower-case letters and digits, beginning with a letter.`,
    );
  }
  return join(runRoot, name);
}
