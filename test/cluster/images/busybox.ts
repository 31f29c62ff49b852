import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebianPackages } from '../debian-packages.ts';
import { runCommand } from '../run-command.ts';
import type { ImageRecipe } from './image-recipe.ts';

export const busybox: ImageRecipe = {
  name: 'docker.io/library/busybox:latest',
  revision: 1,
  async fill(root, signal) {
    await unpackDebianPackages(['busybox-static'], root, signal);
    await addBusyboxCommands(root);
    addBaseFiles(root);
  },
  instructions: ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'CMD ["sh"]'],
};

/** Makes every command of the busybox in the tree callable by its own name. */
export async function addBusyboxCommands(root: string): Promise<void> {
  mkdirSync(join(root, 'bin'), { recursive: true });
  // Where /bin and /usr/bin are one, the package has it in the latter.
  const program = (
    await runCommand(['sh', '-c', 'ls "$1"/bin/busybox "$1"/usr/bin/busybox 2>/dev/null || true', 'sh', root])
  )
    .split('\n')
    .find((path) => path !== '');
  if (program === undefined) throw new Error('The package busybox-static brought no busybox.');
  const target = program.slice(root.length);
  const commands = (await runCommand([program, '--list']))
    .split('\n')
    .filter((name) => name !== '' && name !== 'busybox');
  for (const name of commands) symlinkSync(target, join(root, 'bin', name));
}

/** Adds what programs expect of any system: users, groups, and the folders of running things. */
export function addBaseFiles(root: string): void {
  for (const dir of ['dev', 'etc', 'home', 'proc', 'root', 'run', 'sys', 'var/log']) {
    mkdirSync(join(root, dir), { recursive: true });
  }
  for (const dir of ['tmp', 'var/tmp']) {
    rmSync(join(root, dir), { recursive: true, force: true });
    mkdirSync(join(root, dir), { recursive: true });
  }
  writeFileSync(
    join(root, 'etc/passwd'),
    [
      'root:x:0:0:root:/root:/bin/sh',
      'nginx:x:101:101:nginx user:/nonexistent:/bin/false',
      'nobody:x:65534:65534:nobody:/nonexistent:/bin/false',
      '',
    ].join('\n'),
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnginx:x:101:\nnogroup:x:65534:\n');
}
