// First: @peculiar/x509 does not load without it.
import 'reflect-metadata';
import { createPublicKey, KeyObject, randomBytes } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
const dayMs = 24 * 60 * 60_000;
/** Certificates begin earlier than they are made, so that a clock set back a little does not refuse them. */
const backdateMs = 5 * 60_000;

/** A certificate and its key, as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usage: 'client' | 'server';
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly expiresInMs?: number;
}

/** A certificate authority whose key is at hand. */
export class CertificateAuthority {
  readonly pem: KeyPair;
  readonly #certificate: x509.X509Certificate;
  readonly #key: CryptoKey;

  private constructor(pem: KeyPair, certificate: x509.X509Certificate, key: CryptoKey) {
    this.pem = pem;
    this.#certificate = certificate;
    this.#key = key;
  }

  static async create(commonName: string): Promise<CertificateAuthority> {
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ CN: [commonName] }],
      notBefore: new Date(Date.now() - backdateMs),
      notAfter: new Date(Date.now() + 3650 * dayMs),
      keys,
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const pem = { certificate: certificate.toString('pem'), key: privateKeyPem(keys.privateKey) };
    return new CertificateAuthority(pem, certificate, keys.privateKey);
  }

  /** Takes up an authority again whose certificate and key were written to files. */
  static async load(pem: KeyPair): Promise<CertificateAuthority> {
    const der = x509.PemConverter.decodeFirst(pem.key);
    const key = await crypto.subtle.importKey('pkcs8', der, keyAlgorithm, true, ['sign']);
    return new CertificateAuthority(pem, new x509.X509Certificate(pem.certificate), key);
  }

  async issue(request: CertificateRequest): Promise<KeyPair> {
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const names = [
      ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ];
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [...(request.organizations ?? []).map((name) => ({ O: [name] })), { CN: [request.commonName] }],
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() - backdateMs),
      notAfter: new Date(Date.now() + (request.expiresInMs ?? 365 * dayMs)),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          request.usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
        ]),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ],
    });
    return { certificate: certificate.toString('pem'), key: privateKeyPem(keys.privateKey) };
  }
}

/** A key for signing service account tokens; `certificate` is absent there, the public key takes its place. */
export async function createSigningKey(): Promise<{ readonly publicKey: string; readonly key: string }> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const key = privateKeyPem(keys.privateKey);
  return { key, publicKey: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString() };
}

function privateKeyPem(key: CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function serialNumber(): string {
  // The first bit is 0, since a serial number is a positive integer.
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('hex');
}
