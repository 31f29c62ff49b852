import type { Handler } from './call.ts';
import { answerPodList } from './pod-list.ts';
import type { PodSource } from './pod-source.ts';

/** `/pods`: the pods bound to this node, as the API server has them and with their present status. */
export function pods(source: PodSource): Handler {
  return (call) => answerPodList(call, source.pods());
}
