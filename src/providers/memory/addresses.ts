import { CodedError } from '../../support/errors.ts';

/** 198.18.0.0/15 is set aside for benchmarks (RFC 2544) and routed nowhere, so it meets no real address. */
const baseAddress = ((198 << 24) | (18 << 16)) >>> 0;
const addressCount = 2 ** 17;

/**
 * Addresses for pods, none given twice. Where a pod's search begins depends on its UID, so that pods which a restarted
 * process sees for the first time rarely get what belongs to one that it has yet to see again.
 */
export class PodAddresses {
  readonly #taken = new Set<number>();

  /** `wanted` where it is of our range and free, else any. `Capacity` where none is left. */
  take(uid: string, wanted: string | undefined): string {
    const known = wanted === undefined ? undefined : offsetOf(wanted);
    const offset = known !== undefined && !this.#taken.has(known) ? known : this.#search(hash(uid) % addressCount);
    this.#taken.add(offset);
    return addressOf(offset);
  }

  /** Gives an address back; one that is not ours is let pass. */
  free(address: string): void {
    const offset = offsetOf(address);
    if (offset !== undefined) this.#taken.delete(offset);
  }

  #search(start: number): number {
    for (let step = 0; step < addressCount; step++) {
      const offset = (start + step) % addressCount;
      if (offset > 0 && offset < addressCount - 1 && !this.#taken.has(offset)) return offset;
    }
    throw new CodedError('Capacity', `all addresses of ${addressOf(0)}/15 are taken`);
  }
}

function addressOf(offset: number): string {
  const address = baseAddress + offset;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** Undefined for an address outside the range. */
function offsetOf(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some(Number.isNaN)) return undefined;
  const offset = parts.reduce((sum, part) => sum * 256 + part, 0) - baseAddress;
  return offset > 0 && offset < addressCount - 1 ? offset : undefined;
}

/** FNV-1a: spreads, and is the same in each process. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return state >>> 0;
}
