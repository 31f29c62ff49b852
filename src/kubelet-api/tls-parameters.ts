import type { SecureVersion } from 'node:tls';
import { CodedError } from '../support/errors.ts';

/** How connections are secured; the values of kubelet's `--tls-min-version` and `--tls-cipher-suites`. */
export interface TlsParameters {
  readonly minVersion: SecureVersion;
  /** In OpenSSL's words, joined by colons. TLS 1.3 has suites of its own. */
  readonly ciphers: string;
}

const versions: Readonly<Record<string, SecureVersion>> = { VersionTLS12: 'TLSv1.2', VersionTLS13: 'TLSv1.3' };

/** The suites without known weakness, by their IANA names. Those of TLS 1.3 are always on and are accepted as words. */
const suites: Readonly<Record<string, string | undefined>> = {
  TLS_AES_128_GCM_SHA256: undefined,
  TLS_AES_256_GCM_SHA384: undefined,
  TLS_CHACHA20_POLY1305_SHA256: undefined,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
};

/**
 * Reads `VersionTLS12` or `VersionTLS13` and a comma-separated list of cipher suites (empty for all of the above: Node's own
 * default has weaker ones for TLS 1.2). Throws
 * `InvalidInput` naming what is unknown or too weak.
 */
export function parseTlsParameters(minVersion: string, cipherSuites: string): TlsParameters {
  const version = versions[minVersion];
  if (version === undefined) {
    const known = Object.keys(versions).join(' or ');
    throw new CodedError('InvalidInput', `"${minVersion}" is not a TLS version offered here; use ${known}`);
  }
  const names = cipherSuites
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.filter((name) => !Object.hasOwn(suites, name));
  if (unknown.length > 0) {
    const known = Object.keys(suites).join(', ');
    throw new CodedError('InvalidInput', `${unknown.join(', ')}: not among the cipher suites offered here: ${known}`);
  }
  const chosen = openSslNames(names.length > 0 ? names : Object.keys(suites));
  if (chosen.length === 0 && version === 'TLSv1.2') {
    throw new CodedError(
      'InvalidInput',
      'these cipher suites belong to TLS 1.3: set the least version to VersionTLS13',
    );
  }
  return { minVersion: version, ciphers: (chosen.length > 0 ? chosen : openSslNames(Object.keys(suites))).join(':') };
}

function openSslNames(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => suites[name]).filter((name) => name !== undefined))];
}
