import { kubeletClientUser } from './credentials.ts';

/** Lets the API server use a kubelet's API, for kubelets that ask the API server who may. */
export const kubeletApiAccess = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'kube-apiserver-kubelet-api-admin' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubelet-api-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: kubeletClientUser }],
};
