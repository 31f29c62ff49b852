import 'reflect-metadata';
import { KeyObject, randomBytes, type webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Pkcs10CertificateRequest,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { KeyPair } from '../serving-certificate.ts';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };

export interface Subject {
  readonly user?: string;
  readonly groups?: readonly string[];
  /** Relative to now, in milliseconds. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly usage?: 'client' | 'server';
}

/** An authority for tests. */
export class TestAuthority {
  readonly pem: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.pem = certificate.toString('pem');
  }

  static async create(name = 'test-ca'): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 3_600_000),
      keys,
      signingAlgorithm,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestAuthority(certificate, keys);
  }

  /** Signs a request as it is, for a year, as the cluster's signer does. */
  async sign(requestPem: string, nowMs: number): Promise<string> {
    const request = new Pkcs10CertificateRequest(requestPem);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: request.subject,
      issuer: this.#certificate.subject,
      notBefore: new Date(nowMs),
      notAfter: new Date(nowMs + 365 * 24 * 3_600_000),
      publicKey: request.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm,
      extensions: request.extensions,
    });
    return certificate.toString('pem');
  }

  async issue(subject: Subject): Promise<KeyPair> {
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const usage = subject.usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth;
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [
        ...(subject.groups ?? []).map((group) => ({ O: [group] })),
        ...(subject.user === undefined ? [] : [{ CN: [subject.user] }]),
      ],
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() + (subject.notBeforeMs ?? -60_000)),
      notAfter: new Date(Date.now() + (subject.notAfterMs ?? 600_000)),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm,
      extensions: [new ExtendedKeyUsageExtension([usage])],
    });
    const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
    return { certificate: certificate.toString('pem'), key };
  }
}

function serialNumber(): string {
  return `40${randomBytes(8).toString('hex')}`;
}
