import { readFileSync } from 'node:fs';
import type { Ulimit } from '../runtime.ts';

/** What Podman sets to the kernel's highest values, which it may lack the right to, once any limit is named. */
const everyContainers = [
  { name: 'nofile', title: 'Max open files' },
  { name: 'nproc', title: 'Max processes' },
] as const;

/**
 * The limits that are asked for, and beside them those that every container has: Podman forgets its own defaults for a
 * container that names any. They are read from a process that has them.
 */
export function withEveryContainers(asked: readonly Ulimit[], pid: number, procPath = '/proc'): readonly Ulimit[] {
  const missing = everyContainers.filter(({ name }) => !asked.some((ulimit) => ulimit.name === name));
  const text = missing.length === 0 ? '' : readFileSync(`${procPath}/${pid}/limits`, 'utf8');
  return [...asked, ...missing.flatMap(({ name, title }) => readLimit(name, title, text))];
}

/** A line of `/proc/<pid>/limits`: title, soft and hard limit, unit. */
function readLimit(name: string, title: string, text: string): readonly Ulimit[] {
  const [, soft, hard] = new RegExp(`^${title} +(\\S+) +(\\S+)`, 'm').exec(text) ?? [];
  if (soft === undefined || hard === undefined) return [];
  const amount = (limit: string): number => (limit === 'unlimited' ? -1 : Number(limit));
  return [{ name, soft: amount(soft), hard: amount(hard) }];
}
