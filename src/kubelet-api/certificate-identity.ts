import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { X509Certificate } from '@peculiar/x509';
import type { Caller } from './caller.ts';

/** Kubernetes' own attribute for a user's UID in a certificate's subject. */
const uidAttribute = '1.3.6.1.4.1.57683.2';

/** What a client certificate says of its owner and of the time in which it counts. */
export interface CertificateIdentity {
  readonly caller: Caller;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Reads the identity of a certificate (DER) that has been verified, as the API server does: the last CN is the user,
 * every O a group. Undefined where the subject names no user. Read from the DER, not from a printed subject, in which a
 * name could imitate another attribute.
 */
export function identityOfCertificate(der: Buffer): CertificateIdentity | undefined {
  const certificate = new X509Certificate(new Uint8Array(der));
  const subject = certificate.subjectName;
  const name = subject.getField('CN').at(-1);
  if (!name) return undefined;
  const uid = subject.getField(uidAttribute).at(-1);
  return {
    caller: {
      name,
      groups: subject.getField('O'),
      extra: {
        'authentication.kubernetes.io/credential-id': [`X509SHA256=${createHash('sha256').update(der).digest('hex')}`],
      },
      ...(uid ? { uid } : {}),
    },
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
  };
}
