import 'reflect-metadata';
import { KeyObject } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';
import type { Resource } from '../apiserver/client.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';

/** certificates.k8s.io/v1 CertificateSigningRequest, as far as we write and read it. */
export interface SigningRequest extends KubernetesObject {
  readonly spec: {
    readonly request: string;
    readonly signerName: string;
    readonly usages: readonly string[];
  };
  readonly status?: {
    /** PEM in base64; there once it is approved and signed. */
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[];
  };
}

export const signingRequests: Resource<SigningRequest> = {
  group: 'certificates.k8s.io',
  version: 'v1',
  plural: 'certificatesigningrequests',
  kind: 'CertificateSigningRequest',
  namespaced: false,
};

/** What the signer of kubelets' serving certificates wants: the node's own name as a user, and where it is reached. */
export async function makeSigningRequest(request: {
  readonly nodeName: string;
  readonly ips: readonly string[];
}): Promise<{ readonly object: SigningRequest & { metadata: { generateName: string } }; readonly key: string }> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const csr = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${request.nodeName}`] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: request.nodeName },
        ...request.ips.map((value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  });
  const object = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'csr-' },
    spec: {
      request: Buffer.from(csr.toString('pem')).toString('base64'),
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'server auth'],
    },
  };
  return { object, key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString() };
}
