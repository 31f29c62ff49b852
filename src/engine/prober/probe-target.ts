import type { Container } from '../../kubernetes/objects.ts';

/** What a probe is tried on: one running container. */
export interface ProbeTarget {
  /** Of the container on the runtime. */
  readonly id: string;
  readonly container: Container;
  /** The pod's, or the node's where the pod shares its network. */
  readonly ip: string;
  /** When its process was started, in milliseconds since the epoch. */
  readonly startedAtMs: number;
}

/** How one try went, with kubelet's words. A warning is a success that is told. */
export type Try =
  | { readonly kind: 'success' }
  | { readonly kind: 'warning'; readonly output: string }
  | { readonly kind: 'failure'; readonly output: string }
  /** Nothing can be said of the container. */
  | { readonly kind: 'error'; readonly output: string };

export const success: Try = { kind: 'success' };

export const failure = (output: string): Try => ({ kind: 'failure', output });

/** Output past this is not told (kubelet's `maxReadLength`). */
export const maxOutputBytes = 10 * 1024;
