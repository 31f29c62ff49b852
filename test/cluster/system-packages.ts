import { existsSync } from 'node:fs';
import { isDebian, withPackageLists } from './debian-packages.ts';
import { type Progress, timed } from './progress.ts';
import { hasCommand, runCommand } from './run-command.ts';

/** What must be on the machine, and the Debian package that brings it. */
const needs: readonly { readonly package: string; readonly present: () => Promise<boolean> }[] = [
  { package: 'podman', present: () => hasCommand('podman') },
  { package: 'runc', present: () => hasCommand('runc') },
  { package: 'catatonit', present: async () => (await hasCommand('catatonit')) || hasHelper('catatonit') },
  { package: 'netavark', present: async () => hasHelper('netavark') },
  { package: 'iptables', present: () => hasCommand('iptables') },
  { package: 'nftables', present: () => hasCommand('nft') },
  { package: 'iproute2', present: () => hasCommand('ip') },
  { package: 'util-linux', present: async () => (await hasCommand('nsenter')) && (await hasCommand('setpriv')) },
];

const helperDirs = ['/usr/local/libexec/podman', '/usr/libexec/podman', '/usr/local/lib/podman', '/usr/lib/podman'];

function hasHelper(name: string): boolean {
  return helperDirs.some((dir) => existsSync(`${dir}/${name}`));
}

/** Another apt-get may be at work, such as the daily update. */
const waitForOthers = ['--option', 'DPkg::Lock::Timeout=120'];

/** Installs what the machine lacks, where it is Debian or a descendant; elsewhere says what to install. */
export async function ensureSystemPackages({
  progress,
  signal,
}: {
  progress: Progress;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const lacking: string[] = [];
  for (const need of needs) if (!(await need.present())) lacking.push(need.package);
  if (lacking.length === 0) return;
  if (!(await isDebian())) {
    throw new Error(`This machine lacks ${lacking.join(', ')}, and has no apt-get to install them with: install them.`);
  }
  await timed(progress, `installing ${lacking.join(', ')}`, () =>
    withPackageLists(
      () =>
        runCommand(
          ['apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...waitForOthers, ...lacking],
          {
            env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
            signal,
          },
        ),
      signal,
    ),
  );
}

/** Throws unless the machine and the user can have network namespaces and containers at all. */
export function assertLinuxRoot(): void {
  if (process.platform !== 'linux') throw new Error('The test cluster needs Linux: network namespaces and containers.');
  if (process.geteuid?.() !== 0) {
    throw new Error('The test cluster needs root, for a network namespace and containers: run it with sudo.');
  }
}
