import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Lease } from '../kubernetes/objects.ts';

/** Which process renews a node's lease: its holderIdentity is the node's name whoever that is, as with kubelet. */
export interface LeaseHolder {
  /** Differs from process to process. */
  readonly id: string;
  /**
   * The machine since it was started, and the process namespace on it: within these, a pid tells whether a process lives.
   * Equal for two processes only where both hold.
   */
  readonly host: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
}

/** JSON of a LeaseHolder; empty where the last holder has let go. */
export const holderAnnotation = 'virtual-kubelet.io/lease-holder';

/** This process, as a holder. */
export function thisProcess(since: string): LeaseHolder {
  return { id: randomUUID(), host: hostBootAndProcessNamespace(), pid: process.pid, since };
}

/**
 * A host name may be that of many machines, and the first process namespace of a machine has the same number on all, so the
 * kernel's id of this boot is in it. Where the kernel does not tell (no Linux), no other process is of this place.
 */
function hostBootAndProcessNamespace(): string {
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${hostname()}/boot:[${bootId}]/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `${hostname()}/${randomUUID()}`;
  }
}

/** Whether a process of this pid lives in our process namespace; true as well where that cannot be known. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Who holds a lease, as far as it says. */
export type Holding =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'process'; readonly holder: LeaseHolder }
  /** Somebody who does not say more: a kubelet, or the Go virtual kubelet. */
  | { readonly kind: 'stranger' };

export function holdingOf(lease: Lease | undefined): Holding {
  const text = lease?.metadata?.annotations?.[holderAnnotation];
  if (lease === undefined || text === '') return { kind: 'nobody' };
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder === undefined ? { kind: 'stranger' } : { kind: 'process', holder };
}

function parseHolder(text: string): LeaseHolder | undefined {
  try {
    const { id, host, pid, since } = JSON.parse(text) as Partial<LeaseHolder>;
    return id && host && typeof pid === 'number' && since ? { id, host, pid, since } : undefined;
  } catch {
    return undefined;
  }
}

export interface ClaimQuestion {
  readonly lease: Lease | undefined;
  readonly self: LeaseHolder;
  readonly nowMs: number;
  readonly isAlive: (pid: number) => boolean;
}

/**
 * Whether the lease may be taken at once: nobody has it, it is past its time, or its holder was a process of this machine
 * that lives no longer, so that a restart after a crash waits for nothing.
 */
export function isFree({ lease, self, nowMs, isAlive }: ClaimQuestion): boolean {
  const holding = holdingOf(lease);
  if (holding.kind === 'nobody' || isExpired(lease, nowMs)) return true;
  if (holding.kind === 'stranger') return false;
  const { id, host, pid } = holding.holder;
  return id === self.id || (host === self.host && (pid === self.pid || !isAlive(pid)));
}

function isExpired(lease: Lease | undefined, nowMs: number): boolean {
  const { renewTime, leaseDurationSeconds } = lease?.spec ?? {};
  const renewedAtMs = Date.parse(renewTime ?? '');
  return Number.isNaN(renewedAtMs) || nowMs > renewedAtMs + (leaseDurationSeconds ?? 0) * 1000;
}

/** In words for an operator. */
export function describeHolding(holding: Holding): string {
  if (holding.kind !== 'process') return 'a process that does not say which it is (a kubelet?)';
  const { host, pid, since } = holding.holder;
  return `process ${pid} on ${host}, running since ${since},`;
}
