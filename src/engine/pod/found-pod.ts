import type { Container, Pod } from '../../kubernetes/objects.ts';
import type { ActualPod } from './actual-pod.ts';

/** The pod that containers on the runtime tell of, where nobody else knows it: enough to show it and to end it. */
export function podFromContainers({ ref, attempts }: ActualPod): Pod {
  const newest = [...attempts.values()].flatMap(([first]) => first ?? []).sort((a, b) => a.position - b.position);
  const containers = (isWanted: (role: string) => boolean): Container[] =>
    newest
      .filter(({ role }) => isWanted(role))
      .map(({ name, image, role }) => ({ name, image, ...(role === 'sidecar' && { restartPolicy: 'Always' }) }));
  return {
    metadata: { namespace: ref.namespace, name: ref.name, uid: ref.uid },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: newest[0]?.graceSeconds ?? 30,
      initContainers: containers((role) => role === 'init' || role === 'sidecar'),
      containers: containers((role) => role === 'main'),
      ephemeralContainers: containers((role) => role === 'ephemeral'),
    },
  };
}
