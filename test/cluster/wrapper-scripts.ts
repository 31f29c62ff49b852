import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterClient } from './cluster-client.ts';

/** Scripts that let a person use a running cluster from any terminal. */
export function wrapperScripts({ runDir }: { readonly runDir: string }) {
  return { kubectl: join(runDir, 'bin', 'kubectl'), enter: join(runDir, 'bin', 'enter') };
}

export function writeWrapperScripts(client: ClusterClient): void {
  const scripts = wrapperScripts(client);
  mkdirSync(join(client.runDir, 'bin'), { recursive: true });
  const variables = Object.entries(client.environment()).map(([name, value]) => `${name}=${quote(value)}`);
  const enter = ['exec', ...client.inside(['env', ...variables])].join(' ');
  const write = (path: string, command: string) => writeFileSync(path, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  write(scripts.kubectl, `${enter} kubectl "$@"`);
  // Without a command, a shell.
  write(scripts.enter, `[ $# -gt 0 ] || set -- "\${SHELL:-/bin/sh}"\n${enter} "$@"`);
}

/** Makes one word of a shell's command line. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
