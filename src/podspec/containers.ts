import type { Container, Pod } from '../kubernetes/objects.ts';

/** Whether an init container is a sidecar: started in order, then running beside the pod's containers. */
export function isSidecar(initContainer: Container): boolean {
  return initContainer.restartPolicy === 'Always';
}

/**
 * Whether a container that ended with `exitCode` is to be started again: by its own restart rules, else its own
 * restartPolicy, else the pod's (kubelet's `ContainerShouldRestart`). Init containers go by the same rule, but one that
 * succeeded is done whatever the policy says, unless it is a sidecar; that is for the caller to see to.
 */
export function shouldRestart(pod: Pod, container: Container, exitCode: number): boolean {
  if (container.restartPolicy && matchesRestartRule(container, exitCode)) return true;
  switch (container.restartPolicy ?? pod.spec?.restartPolicy) {
    case 'Never':
      return false;
    case 'OnFailure':
      return exitCode !== 0;
    default:
      return true;
  }
}

/** The first rule that the exit code meets decides; all actions there are restart at least this container. */
function matchesRestartRule(container: Container, exitCode: number): boolean {
  return (container.restartPolicyRules ?? []).some(({ exitCodes }) => {
    if (!exitCodes) return false;
    const listed = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === 'In' ? listed : exitCodes.operator === 'NotIn' && !listed;
  });
}
