import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { parseTlsParameters } from './tls-parameters.ts';

test('nothing said is TLS 1.2 with the suites that Node chooses', () => {
  assert.deepEqual(parseTlsParameters('VersionTLS12', ''), { minVersion: 'TLSv1.2', ciphers: undefined });
});

test('suites by their IANA names become ones that OpenSSL knows', () => {
  const names = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_AES_128_GCM_SHA256';
  const { ciphers } = parseTlsParameters('VersionTLS12', names);
  assert.equal(ciphers, 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305');
  createSecureContext({ ciphers });
});

const refused: readonly [version: string, suites: string, words: RegExp][] = [
  ['VersionTLS11', '', /"VersionTLS11" is not a TLS version offered here; use VersionTLS12 or VersionTLS13/],
  ['1.2', '', /"1.2" is not/],
  ['VersionTLS12', 'TLS_RSA_WITH_RC4_128_SHA', /TLS_RSA_WITH_RC4_128_SHA: not among/],
  ['VersionTLS12', 'toString', /toString: not among/],
  ['VersionTLS12', 'TLS_AES_128_GCM_SHA256', /belong to TLS 1.3/],
];
for (const [version, suites, words] of refused) {
  test(`${version} with "${suites}" is refused`, () => {
    assert.throws(() => parseTlsParameters(version, suites), words);
  });
}
