import { readFileSync } from 'node:fs';

/**
 * Whether a TCP port is listened on in the network namespace that a process is in. Reading the kernel's table costs
 * nothing and needs no client inside the namespace.
 */
export function isListening(pid: number, port: number): boolean {
  return ['tcp', 'tcp6'].some((table) => hasListener(readFileSync(`/proc/${pid}/net/${table}`, 'utf8'), port));
}

/** Looks for a listener in the text of /proc/net/tcp. */
export function hasListener(table: string, port: number): boolean {
  const wantedPort = port.toString(16).toUpperCase().padStart(4, '0');
  const listenState = '0A';
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .some(([, local, , state]) => local?.endsWith(`:${wantedPort}`) === true && state === listenState);
}
