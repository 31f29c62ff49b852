/** The versions that the test cluster is made of. The go.mod files under modules/ pin the same ones. */
export const kubernetesVersion = 'v1.36.3';
export const etcdVersion = 'v3.6.16';
export const coreDnsVersion = 'v1.15.0';
