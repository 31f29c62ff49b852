import type { Pod } from '../kubernetes/objects.ts';
import { refusedEphemeralContainers } from '../podspec/features/refusals.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';
import type { Provider } from '../provider/provider.ts';

type Capable = Pick<Provider, 'capabilities'>;

/** The pod without the ephemeral containers that the provider cannot honour: what it is given to run. */
export function runnable(pod: Pod, { capabilities }: Capable): Pod {
  const refused = refusedEphemeralContainers(pod, capabilities);
  if (refused.size === 0) return pod;
  const ephemeralContainers = pod.spec?.ephemeralContainers?.filter(({ name }) => !refused.has(name)) ?? [];
  return { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], ephemeralContainers } };
}

/** What the provider observes, and of those that it was not given that they have ended, with why: who waits, as `kubectl debug`, need not. */
export function withRefused(observed: ObservedPod, pod: Pod, { capabilities }: Capable): ObservedPod {
  const refused = refusedEphemeralContainers(pod, capabilities);
  if (refused.size === 0) return observed;
  const ended = [...refused].map(([name, message]) => ({
    name,
    // containerd's exit code of a container that could not be started.
    state: { kind: 'terminated', exitCode: 128, reason: 'UnsupportedPodSpec', message } as const,
    restartCount: 0,
    started: false,
    ready: false,
    image: '',
    imageId: '',
  }));
  return { ...observed, containers: [...observed.containers.filter(({ name }) => !refused.has(name)), ...ended] };
}
