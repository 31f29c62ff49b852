import type { BinarySource } from './binary-sources.ts';

/** The importable end-to-end suite of the Go virtual kubelet, called by a test of ours beside its go.mod. */
export const goSuiteSource: BinarySource = {
  name: 'virtual-kubelet-suite',
  version: 'v1.12.0',
  build: {
    module: 'virtual-kubelet-suite',
    package: 'virtual-kubelet.test/cluster/virtual-kubelet-suite',
    variables: {},
    tests: true,
  },
};
