import type { Volume } from '../../kubernetes/objects.ts';

/**
 * What the API server fills into a pod by itself, where that would ask something of a provider. A field that has its
 * default value asks for nothing, so that a pod of one line is never refused for what its owner did not write.
 *
 * Also filled in, in fields that ask for nothing anyway: schedulerName, serviceAccountName and serviceAccount,
 * tolerations of not-ready and unreachable nodes, priority and preemptionPolicy, enableServiceLinks, requests equal to
 * limits, protocols of ports, thresholds and times of probes, modes of volumes, empty security contexts.
 */
export const apiDefaults = {
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  terminationGracePeriodSeconds: 30,
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
} as const;

/** Where admission mounts the API access volume. */
const apiAccessPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Whether this is the volume (`kube-api-access-x7f2q`) with token, CA and namespace that admission adds. Its sources
 * are looked at too, so that nobody hides another volume behind the name.
 */
export function isApiAccessVolume(volume: Volume): boolean {
  const sources = volume.projected?.sources ?? [];
  return (
    isApiAccessName(volume.name) &&
    sources.length === 3 &&
    sources.some((each) => each.serviceAccountToken) &&
    sources.some((each) => each.configMap?.name === 'kube-root-ca.crt') &&
    sources.some((each) => each.downwardAPI)
  );
}

/** Whether this mount is the one that admission adds for that volume. */
export function isApiAccessMount(mount: { readonly name: string; readonly mountPath: string }): boolean {
  return isApiAccessName(mount.name) && mount.mountPath === apiAccessPath;
}

function isApiAccessName(name: string): boolean {
  return name.startsWith('kube-api-access-');
}
