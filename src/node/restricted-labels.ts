/** Keys that a node may give itself though they are Kubernetes' own (`k8s.io/kubelet/pkg/apis`, KubeletLabels). */
const allowedKeys: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);

const allowedDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** Whether the admission plugin NodeRestriction refuses a node that sets this label on itself. */
export function isRestrictedLabel(key: string): boolean {
  const [domain = '', name] = key.split('/', 2);
  if (name === undefined || allowedKeys.has(key)) return false;
  const isIn = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  return (isIn('kubernetes.io') || isIn('k8s.io')) && !allowedDomains.some(isIn);
}
