import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { ApiClient } from '../apiserver/client.ts';
import { CodedError } from '../support/errors.ts';
import { silentLogger } from '../support/logger.ts';
import { seededRandom } from '../support/random.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { RequestedServingCertificate } from './requested-certificate.ts';
import type { SigningRequest } from './serving-csr.ts';
import { TestAuthority } from './testing/certificates.ts';
import { ReviewingApi } from './testing/reviewing-api.ts';
import { until } from './testing/until.ts';

const dayMs = 24 * 3_600_000;

describe('a requested serving certificate', () => {
  let authority: TestAuthority;
  let folder: string;
  let clock: FakeClock;
  let requests: SigningRequest[];
  let approver: ((request: SigningRequest) => Promise<SigningRequest['status']>) | undefined;
  let away: boolean;
  let running: { readonly abort: AbortController; readonly done: Promise<void> }[];
  before(async () => {
    authority = await TestAuthority.create();
    folder = await mkdtemp(join(tmpdir(), 'requested-'));
  });
  after(() => rm(folder, { recursive: true }));
  beforeEach(() => {
    clock = new FakeClock(Date.now());
    requests = [];
    away = false;
    running = [];
    approver = sign;
  });
  afterEach(async () => {
    for (const { abort, done } of running) {
      abort.abort();
      await done;
    }
  });

  const sign = async ({ spec }: SigningRequest): Promise<SigningRequest['status']> => {
    const pem = Buffer.from(spec.request, 'base64').toString();
    return { certificate: Buffer.from(await authority.sign(pem, clock.now())).toString('base64') };
  };
  const api = {
    ...new ReviewingApi().client,
    create: async (_resource: unknown, object: SigningRequest) => {
      if (away) throw new CodedError('Unavailable', 'connection refused');
      requests.push(object);
      return { ...object, metadata: { name: `csr-${requests.length}` } };
    },
    get: async (_resource: unknown, { name }: { name: string }) => {
      const request = requests[Number(name.slice(4)) - 1];
      assert.ok(request);
      return { ...request, status: await approver?.(request) };
    },
  } as unknown as ApiClient;

  function start(file: string, ips: readonly string[] = ['10.0.0.7']): RequestedServingCertificate {
    const path = join(folder, file);
    const options = { api, nodeName: 'node-1', ips, file: path, clock, random: seededRandom(1), log: silentLogger };
    const requested = new RequestedServingCertificate(options);
    const abort = new AbortController();
    running.push({ abort, done: requested.run(abort.signal) });
    return requested;
  }
  const served = async (requested: RequestedServingCertificate): Promise<X509Certificate> =>
    new X509Certificate((await requested.serving()).certificate);
  const isIssued = async (requested: RequestedServingCertificate): Promise<boolean> =>
    (await served(requested)).issuer === 'CN=test-ca';

  test('names the node as its signer wants, and is served when it is approved; self-signed until then', async () => {
    approver = undefined;
    const requested = start('one');
    await until(() => requests.length === 1);
    const { signerName, usages } = requests[0]?.spec ?? {};
    assert.equal(signerName, 'kubernetes.io/kubelet-serving');
    assert.deepEqual(usages, ['digital signature', 'server auth']);
    await clock.advance(60_000);
    assert.equal(await isIssued(requested), false);
    approver = sign;
    await until(async () => {
      await clock.advance(10_000);
      return isIssued(requested);
    });
    const certificate = await served(requested);
    assert.equal(certificate.subject, 'O=system:nodes\nCN=system:node:node-1');
    assert.ok(certificate.checkHost('node-1') && certificate.checkIP('10.0.0.7'));
    assert.equal(requests.length, 1);
  });

  test('is in use within two seconds where it is approved within one', async () => {
    approver = undefined;
    const requested = start('quick');
    await until(() => requests.length === 1);
    await clock.advance(900);
    approver = sign;
    await clock.advance(1000);
    await until(() => isIssued(requested));
  });

  test('is kept for a restart, readable by us alone, and taken up without a new request', async () => {
    const first = start('kept');
    await until(() => isIssued(first));
    const path = join(folder, 'kept');
    await until(() =>
      stat(path).then(
        () => true,
        () => false,
      ),
    );
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const second = start('kept');
    await until(() => isIssued(second));
    assert.equal((await served(second)).fingerprint256, (await served(first)).fingerprint256);
    assert.equal(requests.length, 1);
  });

  for (const [name, spoil] of [
    ['of another address', async (): Promise<readonly string[]> => ['10.0.0.8']],
    [
      'that is broken',
      async (path: string): Promise<readonly string[]> => {
        await writeFile(path, (await readFile(path, 'utf8')).slice(0, 300));
        return ['10.0.0.7'];
      },
    ],
  ] as const) {
    test(`a kept one ${name} is requested anew`, async () => {
      const first = start(name);
      await until(() => isIssued(first));
      const path = join(folder, name);
      await until(() =>
        stat(path).then(
          () => true,
          () => false,
        ),
      );
      const second = start(name, await spoil(path));
      await until(() => isIssued(second));
      assert.equal(requests.length, 2);
    });
  }

  test('is renewed between 70 and 90 % of its life', async () => {
    const requested = start('renewed');
    await until(() => isIssued(requested));
    const first = (await served(requested)).fingerprint256;
    await clock.advance(255 * dayMs);
    assert.equal((await served(requested)).fingerprint256, first);
    await clock.advance(75 * dayMs);
    await until(async () => (await served(requested)).fingerprint256 !== first);
    assert.equal(requests.length, 2);
  });

  test('that is denied is asked for again later, not at once', async () => {
    approver = async () => ({ conditions: [{ type: 'Denied', message: 'not today' }] });
    const requested = start('denied');
    await until(() => requests.length === 1);
    await clock.advance(2000);
    assert.equal(requests.length, 1);
    approver = sign;
    await until(async () => {
      await clock.advance(5000);
      return isIssued(requested);
    });
    assert.equal(requests.length, 2);
  });

  test('that nobody approves within a quarter of an hour is requested anew', async () => {
    approver = async () => ({});
    start('forgotten');
    await until(async () => {
      await clock.advance(10_000);
      return requests.length === 2;
    });
  });

  test('is requested when the API server is back', async () => {
    away = true;
    const requested = start('away');
    await clock.advance(60_000);
    assert.equal(requests.length, 0);
    away = false;
    await until(async () => {
      await clock.advance(60_000);
      return isIssued(requested);
    });
  });
});
