import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDebian, unpackDebianPackages } from './debian-packages.ts';
import { cacheDir } from './paths.ts';
import { type Progress, timed } from './progress.ts';
import { hasCommand } from './run-command.ts';

export const registryPort = 5000;
/** The image registry, as seen inside the cluster's network namespace. */
export const registryAddress = `127.0.0.1:${registryPort}`;

/** The folder in which the registry keeps its images. */
export function registryDataDir(runDir: string): string {
  return join(runDir, 'registry');
}

/** The command line of the registry. Writes its configuration. */
export function registryCommand(binary: string, runDir: string): string[] {
  const config = {
    version: '0.1',
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: registryDataDir(runDir) }, delete: { enabled: true } },
    http: { addr: registryAddress },
  };
  mkdirSync(registryDataDir(runDir), { recursive: true });
  const path = join(runDir, 'registry.json');
  writeFileSync(path, JSON.stringify(config, undefined, 2));
  return [binary, 'serve', path];
}

/** Finds the registry's program, or takes it out of the distribution's package. */
export async function ensureRegistryBinary({
  progress,
  signal,
}: {
  progress: Progress;
  signal?: AbortSignal | undefined;
}): Promise<string> {
  if (await hasCommand('docker-registry')) return 'docker-registry';
  const dir = join(cacheDir(), 'docker-registry');
  const binary = join(dir, 'usr/bin/docker-registry');
  if (existsSync(binary)) return binary;
  if (!(await isDebian())) {
    throw new Error('This machine lacks an image registry: install docker-registry (the CNCF distribution registry).');
  }
  await timed(progress, 'unpacking docker-registry', async () => {
    const temporary = `${dir}.${process.pid}.partial`;
    mkdirSync(dirname(dir), { recursive: true });
    try {
      await unpackDebianPackages(['docker-registry'], temporary, signal);
      rmSync(dir, { recursive: true, force: true });
      renameSync(temporary, dir);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  });
  return binary;
}
