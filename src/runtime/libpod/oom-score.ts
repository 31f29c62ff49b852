import { readFileSync } from 'node:fs';

/** CAP_SYS_RESOURCE of linux/capability.h. */
const sysResourceBit = 24n;

/** The least that the kernel knows. */
const least = -1000;

/**
 * The lowest oom_score_adj that containers of the Podman that started this process can be given: −1000, or what the
 * process itself has where it lacks CAP_SYS_RESOURCE. Asked of a process of Podman's, not of ours: its rights count.
 * Without it, a container that asks for less fails to start, with words that do not tell why.
 */
export function lowestOomScoreAdj(pid: number, procPath = '/proc'): number {
  try {
    const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(`${procPath}/${pid}/status`, 'utf8'))?.[1];
    if (capabilities === undefined || (BigInt(`0x${capabilities}`) >> sysResourceBit) & 1n) return least;
    return Number(readFileSync(`${procPath}/${pid}/oom_score_adj`, 'utf8'));
  } catch {
    // Not a process that we can see: Podman then says itself what it cannot do.
    return least;
  }
}
