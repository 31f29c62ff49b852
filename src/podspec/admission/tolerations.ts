import type { Node, Pod, PodSpec } from '../../kubernetes/objects.ts';

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];
type Toleration = NonNullable<PodSpec['tolerations']>[number];

/** Whether the pod tolerates each NoExecute taint of the node: kubelet looks at no others, they are the scheduler's. */
export function toleratesNode(pod: Pod, node: Node): boolean {
  const tolerations = pod.spec?.tolerations ?? [];
  return (node.spec?.taints ?? [])
    .filter(({ effect }) => effect === 'NoExecute')
    .every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** For how long it does is left to the taint manager, as everywhere. */
function tolerates({ key, operator, value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator || 'Equal') {
    case 'Exists':
      return true;
    case 'Equal':
      return value === (taint.value ?? '');
    case 'Gt':
    case 'Lt':
      return isOrdered(operator, taint.value, value);
    default:
      return false;
  }
}

/** Numbers in a toleration (alpha in Kubernetes 1.35): the taint's is to be over, or under, the toleration's. */
function isOrdered(operator: string | undefined, taint: string | undefined, bound: string): boolean {
  const [left, right] = [Number.parseInt(taint ?? '', 10), Number.parseInt(bound, 10)];
  return operator === 'Gt' ? left > right : left < right;
}
