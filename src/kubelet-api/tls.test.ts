import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { type Logger, silentLogger } from '../support/logger.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { selfSign } from './self-signed.ts';
import {
  clientCaFromFile,
  type KeyPair,
  selfSignedServingCertificate,
  servingCertificateFromFiles,
} from './serving-certificate.ts';
import { TestAuthority } from './testing/certificates.ts';
import { TestKubeletApi } from './testing/kubelet-api.ts';
import { until } from './testing/until.ts';
import { TlsMaterial } from './tls.ts';
import { parseTlsParameters } from './tls-parameters.ts';

const yearMs = 365 * 24 * 60 * 60_000;
const make = (name: string): Promise<KeyPair> =>
  selfSign({ names: [name], ips: [], notBeforeMs: Date.now(), notAfterMs: Date.now() + yearMs });

/** A log that remembers its warnings. */
function warnings(): { readonly log: Logger; readonly said: string[] } {
  const said: string[] = [];
  return { said, log: { ...silentLogger, warn: (_message, fields) => void said.push(String(fields?.['error'])) } };
}

describe('TLS files that change', () => {
  const clock = new FakeClock(Date.now());
  const { log, said } = warnings();
  let folder: string;
  let kubelet: TestKubeletApi;
  let authority: TestAuthority;
  const file = (name: string): string => join(folder, name);
  const write = async (pair: Partial<KeyPair>): Promise<void> => {
    if (pair.certificate !== undefined) await writeFile(file('tls.crt'), pair.certificate);
    if (pair.key !== undefined) await writeFile(file('tls.key'), pair.key);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubelet-api-tls-'));
    authority = await TestAuthority.create();
    await write(await make('first'));
    await writeFile(file('ca.crt'), authority.pem);
    kubelet = await TestKubeletApi.start({
      clock,
      log,
      serving: servingCertificateFromFiles({ certificateFile: file('tls.crt'), keyFile: file('tls.key') }),
      clientCa: clientCaFromFile(file('ca.crt')),
    });
  });
  after(async () => {
    await kubelet.stop();
    await rm(folder, { recursive: true });
  });

  /** The name in the certificate that a new connection is shown. */
  function served(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: kubelet.port, rejectUnauthorized: false }, () => {
        const shown = socket.getPeerX509Certificate();
        socket.destroy();
        resolve(shown?.subjectAltName);
      });
      socket.on('error', reject);
    });
  }

  test('a renewed certificate is served without a restart', async () => {
    assert.equal(await served(), 'DNS:first');
    await write(await make('second'));
    await until(async () => {
      await clock.advance(5000);
      return (await served()) === 'DNS:second';
    });
  });

  test('a half-written pair is not served, said once, and the whole one is taken when it is there', async () => {
    const third = await make('third');
    await write({ certificate: third.certificate });
    for (let rounds = 0; rounds < 20; rounds++) {
      await clock.advance(5000);
      assert.equal(await served(), 'DNS:second');
    }
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /serving certificate and key cannot be used/);
    await write({ key: third.key });
    await until(async () => {
      await clock.advance(5000);
      return (await served()) === 'DNS:third';
    });
  });

  test('files that vanish or turn into nonsense change nothing', async () => {
    await rm(file('tls.key'));
    await writeFile(file('ca.crt'), '');
    await clock.advance(5000);
    assert.equal(await served(), 'DNS:third');
    assert.equal((await kubelet.get('/healthz', { as: await authority.issue({ user: 'a' }) })).status, 200);
    await write(await make('third'));
    await writeFile(file('ca.crt'), authority.pem);
  });

  test('when the client CA changes, callers of the former one are out, their open connections included', async () => {
    const next = await TestAuthority.create('next-ca');
    const former = await authority.issue({ user: 'former' });
    const agent = new Agent({ keepAlive: true });
    assert.equal((await kubelet.get('/healthz', { as: former, agent })).status, 200);
    await writeFile(file('ca.crt'), next.pem);
    const present = await next.issue({ user: 'present' });
    await until(async () => {
      await clock.advance(5000);
      return (await kubelet.get('/healthz', { as: present })).status === 200;
    });
    assert.equal((await kubelet.get('/healthz', { as: former, agent })).status, 401);
    assert.equal((await kubelet.get('/healthz', { as: former })).status, 401);
    agent.destroy();
  });
});

test('a certificate that expires on an open connection counts no longer', async () => {
  const clock = new FakeClock(Date.now());
  const kubelet = await TestKubeletApi.start({ clock });
  const as = await kubelet.authority.issue({ user: 'short', notAfterMs: 20_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal((await kubelet.get('/healthz', { as, agent })).status, 200);
  await clock.advance(21_000);
  assert.equal((await kubelet.get('/healthz', { as, agent })).status, 401);
  agent.destroy();
  await kubelet.stop();
});

describe('TLS material that cannot be used', () => {
  const serving = (): Promise<KeyPair> => make('node');
  const parameters = parseTlsParameters('VersionTLS12', '');
  const clock = new FakeClock();
  const load = (clientCa: string, given = serving): Promise<TlsMaterial> =>
    TlsMaterial.load({ serving: given, clientCa: async () => clientCa, parameters, clock, log: silentLogger });

  const authorities: readonly [name: string, bundle: string, words: RegExp][] = [
    ['an empty client CA', '', /the client CA has no certificate in it/],
    ['a client CA without certificates', 'hello', /the client CA has no certificate in it/],
    [
      'a broken client CA',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /the client CA cannot be read/,
    ],
  ];
  for (const [name, bundle, words] of authorities) {
    test(`${name} is refused at the start, since Node would then trust all the world`, async () => {
      await assert.rejects(load(bundle), words);
    });
  }

  test('a key of another certificate is refused at the start', async () => {
    const { pem } = await TestAuthority.create();
    const [one, other] = await Promise.all([make('one'), make('other')]);
    const mixed = async (): Promise<KeyPair> => ({ certificate: one.certificate, key: other.key });
    await assert.rejects(load(pem, mixed), /serving certificate and key cannot be used/);
  });

  test('a missing file is named', async () => {
    await assert.rejects(clientCaFromFile('/nowhere/ca.crt')(), /cannot read \/nowhere\/ca.crt/);
  });
});

test('a self-signed certificate has the node’s name and IPs and is made anew before it expires', async () => {
  const clock = new FakeClock();
  const serving = selfSignedServingCertificate({ names: ['node-1'], ips: ['10.0.0.7', '::1'], clock });
  const first = new X509Certificate((await serving()).certificate);
  assert.ok(first.checkHost('node-1'));
  assert.ok(first.checkIP('10.0.0.7'));
  assert.ok(first.checkIP('::1'));
  assert.equal(first.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  await clock.advance(yearMs * 0.79);
  assert.equal(new X509Certificate((await serving()).certificate).fingerprint256, first.fingerprint256);
  await clock.advance(yearMs * 0.02);
  const second = new X509Certificate((await serving()).certificate);
  assert.notEqual(second.fingerprint256, first.fingerprint256);
  assert.ok(second.validToDate.getTime() > clock.now() + yearMs * 0.9);
});
