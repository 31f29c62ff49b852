import type { Container, EphemeralContainer } from '../../kubernetes/objects.ts';
import { milliUnits, parseQuantity, wholeUnits } from '../../podspec/resources/quantity.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { ContainerUsage, PodUsage } from '../../provider/usage.ts';

/** What a container is taken to use, evenly from its start to its end. */
export interface AssumedUse {
  readonly milliCpu: number;
  readonly memoryBytes: number;
}

/** Of a container that asks for less or nothing: a metrics-server leaves out a pod with a container that uses nothing. */
const least: AssumedUse = { milliCpu: 1, memoryBytes: 2 ** 20 };

/** Nothing runs and nothing is used: what a container requests is the only figure that means something to who scales it. */
export function assumedUse({ resources }: Container | EphemeralContainer): AssumedUse {
  const { cpu, memory } = resources?.requests ?? {};
  if (cpu === undefined && memory === undefined) return least;
  return {
    milliCpu: Math.max(milliUnits(parseQuantity(cpu ?? '0')), least.milliCpu),
    memoryBytes: Math.max(wholeUnits(parseQuantity(memory ?? '0')), least.memoryBytes),
  };
}

/** What a pod is taken to use at `nowMs`; `uses` is of its observed containers, in their order. */
export function podUsage(
  { ref, containers }: ObservedPod,
  { uses, nowMs }: { readonly uses: readonly AssumedUse[]; readonly nowMs: number },
): PodUsage {
  const running: ContainerUsage[] = [];
  let startedAtMs = nowMs;
  for (const [index, { name, state }] of containers.entries()) {
    if (state.kind !== 'waiting') startedAtMs = Math.min(startedAtMs, state.startedAtMs ?? nowMs);
    if (state.kind === 'running') {
      running.push(containerUsage(name, { startedAtMs: state.startedAtMs, use: uses[index] ?? least, nowMs }));
    }
  }
  return { ref, startedAtMs, containers: running };
}

function containerUsage(
  name: string,
  { startedAtMs, use, nowMs }: { readonly startedAtMs: number; readonly use: AssumedUse; readonly nowMs: number },
): ContainerUsage {
  const { milliCpu, memoryBytes } = use;
  const rateNs = milliCpu * 1e6;
  return {
    name,
    startedAtMs,
    cpu: { timeMs: nowMs, totalNs: (Math.max(nowMs - startedAtMs, 0) / 1000) * rateNs, rateNs },
    memory: { timeMs: nowMs, workingSetBytes: memoryBytes, usageBytes: memoryBytes, rssBytes: memoryBytes },
  };
}
