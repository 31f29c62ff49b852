import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  type BinaryName,
  type BinaryRelease,
  type BinarySource,
  binaryNames,
  binarySource,
  goArchitecture,
} from './binary-sources.ts';
import { goBuild } from './go-build.ts';
import { waitForLock } from './lock.ts';
import { cacheDir } from './paths.ts';
import { type Progress, timed } from './progress.ts';
import { downloadRelease, fetchChecksum } from './release-download.ts';
import { hasCommand } from './run-command.ts';

/** The path of each binary. */
export type Binaries = Readonly<Record<BinaryName, string>>;

/**
 * Finds the control plane's binaries, in this order: the folder that KUBEBUILDER_ASSETS names, if it has all of them;
 * our cache; the official releases; a build from the published Go modules. The last two fill the cache.
 */
export async function ensureBinaries({
  progress,
  signal,
}: {
  progress: Progress;
  signal?: AbortSignal | undefined;
}): Promise<Binaries> {
  const assets = process.env['KUBEBUILDER_ASSETS'] && resolve(process.env['KUBEBUILDER_ASSETS']);
  if (assets !== undefined && assets !== '') {
    const lacking = binaryNames.filter((name) => !existsSync(join(assets, name)));
    if (lacking.length === 0) return fromEntries((name) => join(assets, name));
    progress(`KUBEBUILDER_ASSETS=${assets} is not used: it lacks ${lacking.join(', ')}`);
  }
  const arch = goArchitecture();
  const paths = await cached(
    binaryNames.map((name) => binarySource(name, arch)),
    { progress, signal },
  );
  return fromEntries((name) => paths[binaryNames.indexOf(name)] as string);
}

/**
 * Finds a binary that is not the control plane's but a test's own: in our cache, by its release, or built from its Go
 * module. Resolves to its path.
 */
export async function ensureBinary(
  source: BinarySource,
  options: { progress: Progress; signal?: AbortSignal | undefined },
): Promise<string> {
  const [path] = await cached([source], options);
  return path as string;
}

/** Fills the cache with what it lacks of the binaries; resolves to their paths, in the same order. */
async function cached(
  sources: readonly BinarySource[],
  { progress, signal }: { progress: Progress; signal?: AbortSignal | undefined },
): Promise<readonly string[]> {
  const path = ({ name, version }: BinarySource) => join(cacheDir(), 'binaries', version, goArchitecture(), name);
  const missing = () => sources.filter((source) => !existsSync(path(source)));
  if (missing().length > 0) {
    await using _lock = await waitForLock(join(cacheDir(), 'binaries.lock'), {
      signal,
      onWait: () => progress('another run is getting the binaries: waiting for it'),
    });
    const installer = new Installer(progress, signal);
    for (const source of missing()) await installer.install(source, path(source));
  }
  return sources.map(path);
}

class Installer {
  readonly #progress: Progress;
  readonly #signal: AbortSignal | undefined;
  /** So that an unreachable server is waited for once, and not once for each file. */
  readonly #unreachableHosts = new Set<string>();

  constructor(progress: Progress, signal: AbortSignal | undefined) {
    this.#progress = progress;
    this.#signal = signal;
  }

  async install(source: BinarySource, path: string): Promise<void> {
    const temporary = `${path}.partial`;
    const { release } = source;
    const title = `${source.name} ${source.version}`;
    mkdirSync(dirname(path), { recursive: true });
    try {
      const checksum = release && (await this.#checksum(release));
      if (release && checksum !== undefined) {
        await timed(this.#progress, `downloading ${title}`, () =>
          downloadRelease(release, { checksum, target: temporary, signal: this.#signal }),
        );
      } else {
        if (!(await hasCommand('go'))) {
          throw new Error(
            `${title} cannot be had: ${release ? `${new URL(release.url).host} is out of reach` : 'it is not released'}, ` +
              'and there is no Go to build it with. Install Go 1.21 or later, or set KUBEBUILDER_ASSETS to a folder ' +
              `with ${binaryNames.join(', ')}.`,
          );
        }
        await timed(this.#progress, `building ${title} from its Go module`, () =>
          goBuild(source.build, temporary, this.#signal),
        );
      }
      chmodSync(temporary, 0o755);
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
      rmSync(`${temporary}.archive`, { force: true });
    }
  }

  async #checksum(release: BinaryRelease): Promise<string | undefined> {
    const { host } = new URL(release.checksumUrl);
    if (this.#unreachableHosts.has(host)) return undefined;
    const checksum = await fetchChecksum(release, this.#signal);
    if (checksum === undefined) this.#unreachableHosts.add(host);
    return checksum;
  }
}

function fromEntries(path: (name: BinaryName) => string): Binaries {
  return Object.fromEntries(binaryNames.map((name) => [name, path(name)])) as Record<BinaryName, string>;
}
