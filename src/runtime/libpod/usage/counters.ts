import type { ContainerSample } from '../../usage.ts';

/** A sample as the kernel's files give it, without what comes from the clock. */
export type Counters = Omit<ContainerSample, 'timeMs' | 'cpuRateNs'>;
