import type { Pod } from '../kubernetes/objects.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';
import type { Provider } from '../provider/provider.ts';
import type { Handler } from './call.ts';
import { answerPodList } from './pod-list.ts';

/** `/runningpods/`: what the provider really runs, whatever the API server wants. For tests and for people. */
export function runningPods(provider: Provider): Handler {
  return async (call) => {
    const observed = await provider.listPods({ signal: call.signal });
    await answerPodList(
      call,
      observed.filter((pod) => !pod.ended).map((pod) => podOf(pod)),
    );
  };
}

/** As much of a pod as its containers tell: kubelet gives names, UID, and names and images of what runs. */
function podOf({ ref, containers }: ObservedPod): Pod {
  return {
    metadata: { name: ref.name, namespace: ref.namespace, uid: ref.uid },
    spec: {
      containers: containers
        .filter(({ state }) => state.kind === 'running')
        .map(({ name, image }) => ({ name, image, resources: {} })),
    },
    status: {},
  };
}
