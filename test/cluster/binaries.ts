import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type BinaryName, type BinarySource, binaryNames, binarySource, goArchitecture } from './binary-sources.ts';
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
  const path = (name: BinaryName) => join(cacheDir(), 'binaries', binarySource(name, arch).version, arch, name);
  const missing = () => binaryNames.filter((name) => !existsSync(path(name)));
  if (missing().length > 0) {
    await using _lock = await waitForLock(join(cacheDir(), 'binaries.lock'), {
      signal,
      onWait: () => progress('another run is getting the binaries: waiting for it'),
    });
    const installer = new Installer(progress, signal);
    for (const name of missing()) await installer.install(name, binarySource(name, arch), path(name));
  }
  return fromEntries(path);
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

  async install(name: BinaryName, source: BinarySource, path: string): Promise<void> {
    const temporary = `${path}.partial`;
    const title = `${name} ${source.version}`;
    mkdirSync(dirname(path), { recursive: true });
    try {
      const checksum = await this.#checksum(source.release);
      if (checksum !== undefined) {
        await timed(this.#progress, `downloading ${title}`, () =>
          downloadRelease(source.release, { checksum, target: temporary, signal: this.#signal }),
        );
      } else {
        if (!(await hasCommand('go'))) {
          throw new Error(
            `${title} cannot be had: ${new URL(source.release.url).host} is out of reach, and there is no Go to build ` +
              `it with. Install Go 1.21 or later, or set KUBEBUILDER_ASSETS to a folder with ${binaryNames.join(', ')}.`,
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

  async #checksum(release: BinarySource['release']): Promise<string | undefined> {
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
