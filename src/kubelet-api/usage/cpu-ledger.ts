import type { PodUsage, Usage } from '../../provider/usage.ts';
import { nodeTotals, podTotals } from './totals.ts';

interface PodAccount {
  readonly totalNs: number;
  /** The latest total of each container that runs. */
  readonly parts: ReadonlyMap<string, number>;
}

interface Part {
  readonly key: string;
  readonly startedAtMs: number;
  readonly totalNs: number;
}

/**
 * Remembers what ended containers have used. A sum over those that run falls whenever one ends: a metrics-server then
 * leaves the node out, and Prometheus takes what is left for use of this moment.
 */
export class CpuLedger {
  readonly #startedAtMs: number;
  #pods: ReadonlyMap<string, PodAccount> = new Map();
  #nodeNs = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** The node's, which is said where the provider does not know it. */
  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /**
   * Fills in what the provider leaves to us: the CPU time of pods, of all containers they have had, and of the node, of
   * all pods it has had, since we began to look. `readAtMs` is when the reading was begun.
   */
  complete(usage: Usage, readAtMs: number): Usage {
    const accounts = new Map<string, PodAccount>();
    const pods = usage.pods.map((pod) => {
      const account = this.#charge(pod);
      accounts.set(pod.ref.uid, account);
      const { cpu } = podTotals(pod);
      return cpu === undefined || pod.cpu !== undefined ? pod : { ...pod, cpu: { ...cpu, totalNs: account.totalNs } };
    });
    this.#pods = accounts;
    this.#readAtMs = readAtMs;
    if (usage.node?.cpu !== undefined) return { ...usage, pods };
    const node = nodeTotals(usage, this.#startedAtMs);
    const totalNs = this.#nodeNs + (node.kubelet?.cpu.totalNs ?? 0);
    return { node: node.cpu === undefined ? node : { ...node, cpu: { ...node.cpu, totalNs } }, pods };
  }

  #charge(pod: PodUsage): PodAccount {
    const known = this.#pods.get(pod.ref.uid);
    const parts = partsOf(pod);
    const usedNs = parts.reduce((sum, part) => sum + this.#usedSinceNs(part, known), 0);
    this.#nodeNs += usedNs;
    return {
      totalNs: known === undefined ? parts.reduce((sum, { totalNs }) => sum + totalNs, 0) : known.totalNs + usedNs,
      parts: new Map(parts.map(({ key, totalNs }) => [key, totalNs])),
    };
  }

  /** What was used since the reading before. One that ran then, but could not be read, was charged for already. */
  #usedSinceNs({ key, startedAtMs, totalNs }: Part, known: PodAccount | undefined): number {
    const beforeNs = known?.parts.get(key) ?? (startedAtMs >= this.#readAtMs ? 0 : totalNs);
    return Math.max(0, totalNs - beforeNs);
  }
}

function partsOf({ cpu, startedAtMs, containers }: PodUsage): Part[] {
  if (cpu !== undefined) return [{ key: '', startedAtMs, totalNs: cpu.totalNs }];
  return containers.flatMap((container) =>
    container.cpu === undefined
      ? []
      : [
          {
            key: `${container.name}/${container.startedAtMs}`,
            startedAtMs: container.startedAtMs,
            totalNs: container.cpu.totalNs,
          },
        ],
  );
}
