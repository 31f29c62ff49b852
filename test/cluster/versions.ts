/** The versions that the test cluster is made of. The go.mod files under modules/ pin the same ones. */
export const kubernetesVersion = 'v1.36.3';
export const etcdVersion = 'v3.6.16';
export const coreDnsVersion = 'v1.15.0';

/** kubectls beside the cluster's own: the oldest that we promise to work with, and the newest. */
export const oldestKubectlVersion = 'v1.27.16';
export const newestKubectlVersion = 'v1.37.2';
/** Between them: the first that speaks WebSocket where it is not told otherwise, and one that has left that behind. */
export const middleKubectlVersions = ['v1.31.14', 'v1.34.13'] as const;
export const metricsServerVersion = 'v0.9.0';
