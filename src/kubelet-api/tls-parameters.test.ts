import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { parseTlsParameters } from './tls-parameters.ts';

test('nothing said is TLS 1.2 with the suites that have forward secrecy and authenticated encryption', () => {
  const { minVersion, ciphers } = parseTlsParameters('VersionTLS12', '');
  assert.equal(minVersion, 'TLSv1.2');
  for (const name of ciphers.split(':')) assert.match(name, /^ECDHE-(RSA|ECDSA)-(AES(128|256)-GCM-|CHACHA20-POLY1305)/);
  assert.equal(ciphers.split(':').length, 6);
  createSecureContext({ ciphers });
});

test('suites of TLS 1.3 alone, where that is the least version, are its own', () => {
  const { ciphers } = parseTlsParameters('VersionTLS13', 'TLS_AES_128_GCM_SHA256');
  createSecureContext({ ciphers, minVersion: 'TLSv1.3' });
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
