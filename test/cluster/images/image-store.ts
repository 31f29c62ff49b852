import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDebian } from '../debian-packages.ts';
import { cacheDir } from '../paths.ts';
import { type Progress, timed } from '../progress.ts';
import { registryAddress } from '../registry.ts';
import { runCommand } from '../run-command.ts';
import { busybox } from './busybox.ts';
import type { ImageRecipe } from './image-recipe.ts';
import { nginx } from './nginx.ts';

const recipes: readonly ImageRecipe[] = [busybox, nginx];

/** The folder that keeps the images as the registry has them; its name changes with the recipes. */
function keptImages(): string {
  const key = createHash('sha256')
    .update(JSON.stringify([process.arch, recipes.map(({ name, revision }) => [name, revision])]))
    .digest('hex')
    .slice(0, 12);
  return join(cacheDir(), 'images', key);
}

/** Gives the registry, before it starts, the images that an earlier run has made or pulled; false where none has. */
export function restoreImages(registryDataDir: string): boolean {
  if (!existsSync(keptImages())) return false;
  // Copied and not linked: tests push to the registry, and what one run pushes is not for the next.
  cpSync(keptImages(), registryDataDir, { recursive: true });
  return true;
}

export interface ImageTools {
  /** Runs podman on the cluster's storage inside the cluster's network, where the registry is. */
  readonly podmanInside: (args: readonly string[]) => Promise<string>;
  /** Runs podman on the same storage, but in the machine's network and with its registries. */
  readonly podmanOutside: (args: readonly string[]) => Promise<string>;
  readonly registryDataDir: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts the images into the running registry: pulled where Docker Hub can be reached, else made from the distribution's
 * packages. Podman's storage keeps none of them, so that a pod's pull is a real one. Keeps them for the next run.
 */
export async function createImages(tools: ImageTools): Promise<void> {
  const reachable = await canReachDockerHub(tools.signal);
  if (!reachable && !(await isDebian())) {
    throw new Error(
      'The images nginx and busybox cannot be had: Docker Hub is out of reach, and there are no Debian packages here ' +
        'to make them from.',
    );
  }
  for (const recipe of recipes) {
    const { name } = recipe;
    if (reachable) {
      await timed(tools.progress, `pulling ${name}`, () => tools.podmanOutside(['pull', '--quiet', name]));
    } else {
      await timed(tools.progress, `making ${name} from packages`, () => makeImage(recipe, tools));
    }
    await tools.podmanInside(['push', '--quiet', name, `${registryAddress}/${name}`]);
    await tools.podmanInside(['rmi', '--force', name]);
  }
  const temporary = `${keptImages()}.${process.pid}.partial`;
  mkdirSync(dirname(temporary), { recursive: true });
  cpSync(tools.registryDataDir, temporary, { recursive: true });
  rmSync(keptImages(), { recursive: true, force: true });
  renameSync(temporary, keptImages());
}

async function makeImage(recipe: ImageRecipe, { podmanInside, signal }: ImageTools): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'vk-image-'));
  try {
    const root = join(work, 'root');
    await recipe.fill(root, signal);
    // Temporary folders, and a strict umask, are for root alone; an image's files are for all of its users.
    await runCommand(['chmod', '--recursive', 'go+rX', root], { signal });
    for (const dir of ['tmp', 'var/tmp']) chmodSync(join(root, dir), 0o1777);
    const archive = join(work, 'image.tar');
    await runCommand(['tar', '--create', '--numeric-owner', '--file', archive, '--directory', root, '.'], { signal });
    const changes = recipe.instructions.flatMap((instruction) => ['--change', instruction]);
    await podmanInside(['import', '--quiet', ...changes, archive, recipe.name]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function canReachDockerHub(signal: AbortSignal | undefined): Promise<boolean> {
  const timeout = AbortSignal.timeout(4_000);
  try {
    // Any answer will do; the one to expect asks for a login.
    await fetch('https://registry-1.docker.io/v2/', {
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return true;
  } catch {
    return false;
  }
}
