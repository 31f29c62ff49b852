import { join } from 'node:path';
import type { BinarySource } from './binary-sources.ts';
import { runCommand } from './run-command.ts';

const modulesDir = join(import.meta.dirname, 'modules');

/**
 * Builds a binary from its published Go module; go.mod and go.sum beside the code pin every byte of its source. Whatever
 * else runs here goes before it.
 */
export async function goBuild(build: BinarySource['build'], target: string, signal?: AbortSignal): Promise<void> {
  const variables = Object.entries(build.variables).map(([name, value]) => `-X ${name}=${value}`);
  await runCommand(
    [
      ...['nice', 'go'],
      ...(build.tests ? ['test', '-c'] : ['build']),
      '-trimpath',
      '-ldflags',
      ['-s', '-w', ...variables].join(' '),
      '-o',
      target,
      build.package,
    ],
    {
      cwd: join(modulesDir, build.module),
      // GOFLAGS and GOWORK of a developer's own must not change what is built.
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
      signal,
    },
  );
}
