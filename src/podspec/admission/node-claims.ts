import type { Pod } from '../../kubernetes/objects.ts';
import { anyAddress, type HostPort, type PodClaims, podClaims } from './pod-claims.ts';

/**
 * What the pods that were admitted to a node take of it, as running sums: every operation takes the time of one pod,
 * however many there are.
 */
export class NodeClaims {
  readonly #pods = new Map<string, PodClaims>();
  readonly #requested = new Map<string, bigint>();
  /** How many pods hold a port, by port and then by address. */
  readonly #hostPorts = new Map<string, Map<string, number>>();

  get podCount(): number {
    return this.#pods.size;
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** Counts the pod, with what it asks for now where it was counted before. */
  put(uid: string, pod: Pod): void {
    this.remove(uid);
    const claims = podClaims(pod);
    this.#pods.set(uid, claims);
    for (const [name, amount] of claims.requests) this.#requested.set(name, this.requested(name) + amount);
    for (const port of claims.hostPorts) this.#count(port, 1);
  }

  remove(uid: string): void {
    const claims = this.#pods.get(uid);
    if (claims === undefined) return;
    this.#pods.delete(uid);
    for (const [name, amount] of claims.requests) this.#requested.set(name, this.requested(name) - amount);
    for (const port of claims.hostPorts) this.#count(port, -1);
  }

  /** In the scheduler's units: thousandths of a CPU, else whole ones. */
  requested(resource: string): bigint {
    return this.#requested.get(resource) ?? 0n;
  }

  /** Whether a pod holds the port, on that address or on all of them. */
  isTaken({ key, ip }: HostPort): boolean {
    const holders = this.#hostPorts.get(key);
    if (holders === undefined) return false;
    return ip === anyAddress || holders.has(anyAddress) || holders.has(ip);
  }

  #count({ key, ip }: HostPort, change: 1 | -1): void {
    const holders = this.#hostPorts.get(key) ?? new Map<string, number>();
    const count = (holders.get(ip) ?? 0) + change;
    if (count > 0) holders.set(ip, count);
    else holders.delete(ip);
    if (holders.size > 0) this.#hostPorts.set(key, holders);
    else this.#hostPorts.delete(key);
  }
}
