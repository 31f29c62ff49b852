/** `init` runs to its end before the next starts; `sidecar` is an init container that goes on beside the main ones. */
export type Role = 'init' | 'sidecar' | 'main';
