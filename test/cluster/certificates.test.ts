import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { CertificateAuthority } from './certificates.ts';

test('a client certificate carries the user and the groups', async () => {
  const authority = await CertificateAuthority.create('kubernetes');
  const { certificate, key } = await authority.issue({
    commonName: 'system:node:virtual',
    organizations: ['system:nodes', 'others'],
    usage: 'client',
  });
  const parsed = new X509Certificate(certificate);
  assert.equal(parsed.subject, 'O=system:nodes\nO=others\nCN=system:node:virtual');
  assert.deepEqual(parsed.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.ok(parsed.verify(new X509Certificate(authority.pem.certificate).publicKey));
  assert.ok(parsed.checkPrivateKey(createPrivateKey(key)));
});

test('a server certificate is for its names and addresses', async () => {
  const authority = await CertificateAuthority.create('kubernetes');
  const request = { commonName: 'x', usage: 'server', dnsNames: ['kubernetes'], ipAddresses: ['10.96.0.1'] } as const;
  const parsed = new X509Certificate((await authority.issue(request)).certificate);
  assert.equal(parsed.checkHost('kubernetes'), 'kubernetes');
  assert.equal(parsed.checkIP('10.96.0.1'), '10.96.0.1');
  assert.equal(parsed.checkHost('other'), undefined);
});

test('a certificate can be made to expire soon', async () => {
  const authority = await CertificateAuthority.create('kubernetes');
  const { certificate } = await authority.issue({ commonName: 'x', usage: 'client', expiresInMs: 60_000 });
  const leftMs = new X509Certificate(certificate).validToDate.getTime() - Date.now();
  assert.ok(leftMs > 50_000 && leftMs <= 61_000, `${leftMs} ms are left`);
});

test('an authority goes on from its files', async () => {
  const authority = await CertificateAuthority.create('kubernetes');
  const again = await CertificateAuthority.load(authority.pem);
  const { certificate } = await again.issue({ commonName: 'x', usage: 'client' });
  assert.ok(new X509Certificate(certificate).verify(new X509Certificate(authority.pem.certificate).publicKey));
});
