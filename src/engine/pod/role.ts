/**
 * `init` runs to its end before the next starts; `sidecar` is an init container that goes on beside the main ones;
 * `ephemeral` was added to the running pod, is started once, and never counts for the pod's own state.
 */
export type Role = 'init' | 'sidecar' | 'main' | 'ephemeral';
