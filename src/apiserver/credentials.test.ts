import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { TestAuthority } from '../kubelet-api/testing/certificates.ts';
import { hasCode, messageOf } from '../support/errors.ts';
import { silentLogger } from '../support/logger.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { KubernetesApiClient } from './api-client.ts';
import { nodes, pods } from './client.ts';
import { Credentials } from './credentials.ts';
import { kubeconfigText, startServer, type TestClientOptions, writeKubeconfig } from './testing/test-client.ts';
import { waitFor } from './testing/wait-for.ts';

async function setUp(t: TestContext, url: string, options: TestClientOptions) {
  const clock = new FakeClock(Date.now());
  const path = await writeKubeconfig(t, url, options);
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const credentials = new Credentials({ path, environment: process.env }, { clock, random: () => 0, log });
  const client = new KubernetesApiClient({ credentials, clock, random: () => 0, userAgent: 'test' });
  t.after(() => client.close());
  const rewrite = (user: object) => writeFile(path, kubeconfigText(url, { ...options, user }));
  return { clock, path, credentials, client, warnings, rewrite, directory: dirname(path) };
}

const tokenOf = async (credentials: Credentials) => (await credentials.current()).headers['authorization'];

/** A plugin that counts its runs in a file and gives `token-<run>`, with what else `status` has (JavaScript). */
function plugin(counterFile: string, status = '{}') {
  const script = `
    const fs = require('node:fs');
    const runs = (fs.existsSync(${JSON.stringify(counterFile)}) ? Number(fs.readFileSync(${JSON.stringify(counterFile)}, 'utf8')) : 0) + 1;
    fs.writeFileSync(${JSON.stringify(counterFile)}, String(runs));
    const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
    const status = { token: 'token-' + runs, ...${status} };
    console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status }));
  `;
  return {
    exec: {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      interactiveMode: 'Never',
    },
  };
}

describe('credentials', () => {
  it('reads the file again after 401 and tries once more', async (t) => {
    const server = await startServer(t);
    const { clock, client, rewrite } = await setUp(t, server.url, { user: { token: 'old' } });
    server.acceptedTokens = new Set(['old']);
    await client.list(pods);
    server.acceptedTokens = new Set(['new']);
    await rewrite({ token: 'new' });
    await clock.advance(1000);
    await client.list(pods);
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer old', 'Bearer old', 'Bearer new'],
    );
  });

  it('loads at most once a second, however many requests are refused', async (t) => {
    const server = await startServer(t);
    const { clock, client, rewrite, credentials } = await setUp(t, server.url, { user: { token: 'old' } });
    server.acceptedTokens = new Set(['old']);
    const before = await credentials.current();
    server.acceptedTokens = new Set(['new']);
    await rewrite({ token: 'new' });
    await clock.advance(1000);
    await Promise.all(Array.from({ length: 30 }, () => client.list(pods)));
    assert.equal(await tokenOf(credentials), 'Bearer new');
    assert.equal(before.replaced.aborted, true);
    assert.equal((await credentials.current()).endpoint, before.endpoint);
    server.acceptedTokens = new Set(['newer']);
    await rewrite({ token: 'newer' });
    await assert.rejects(client.list(pods), (error) => hasCode(error, 'Unauthorized'));
    await clock.advance(1000);
    await client.list(pods);
  });

  it('reads token files again each minute', async (t) => {
    const { clock, credentials, directory } = await setUp(t, 'https://a', { user: { tokenFile: 'token' } });
    await writeFile(join(directory, 'token'), 'one');
    const access = await credentials.current();
    await writeFile(join(directory, 'token'), 'two');
    await clock.advance(59_000);
    assert.equal(await tokenOf(credentials), 'Bearer one');
    await clock.advance(1000);
    await waitFor('the new token', () => access.replaced.aborted);
    assert.equal(await tokenOf(credentials), 'Bearer two');
  });

  it('keeps the access where nothing in it has changed', async (t) => {
    const { clock, credentials, directory } = await setUp(t, 'https://a', { user: { tokenFile: 'token' } });
    await writeFile(join(directory, 'token'), 'one');
    const access = await credentials.current();
    await clock.advance(60_000);
    await waitFor('the next timer', () => clock.pending === 1);
    assert.equal(await credentials.current(), access);
    assert.equal(access.replaced.aborted, false);
  });

  it('keeps what it has while a reload fails, saying so once, and recovers', async (t) => {
    const { clock, credentials, rewrite, path, directory, warnings } = await setUp(t, 'https://a', {
      user: { tokenFile: 'token' },
    });
    await writeFile(join(directory, 'token'), 'one');
    const access = await credentials.current();
    const good = await readFile(path);
    await rewrite({ tokenFile: 'missing' });
    for (let step = 0; step < 30; step++) {
      await clock.advance(5000);
      await waitFor('a timer', () => clock.pending === 1);
    }
    assert.equal(await credentials.current(), access);
    assert.equal(warnings.length, 1);
    await writeFile(path, good);
    await writeFile(join(directory, 'token'), 'two');
    await clock.advance(60_000);
    await waitFor('the new token', () => access.replaced.aborted);
  });

  it('runs a plugin once for many callers, and again before its token dies', async (t) => {
    const expiry = '{ expirationTimestamp: new Date(Date.now() + 60000).toISOString() }';
    const { clock, credentials, directory, rewrite } = await setUp(t, 'https://a', {});
    await rewrite(plugin(join(directory, 'runs'), expiry));
    const accesses = await Promise.all(Array.from({ length: 10 }, () => credentials.current()));
    assert.equal(new Set(accesses).size, 1);
    assert.equal(await tokenOf(credentials), 'Bearer token-1');
    await clock.advance(40_000);
    assert.equal(await tokenOf(credentials), 'Bearer token-1');
    await clock.advance(12_000);
    await waitFor('the second token', () => accesses[0]?.replaced.aborted === true);
    assert.equal(await tokenOf(credentials), 'Bearer token-2');
  });

  it('gives a plugin the cluster and takes its certificate', async (t) => {
    const authority = await TestAuthority.create();
    const { certificate, key } = await authority.issue({ user: 'vk' });
    const pair = JSON.stringify({ clientCertificateData: certificate, clientKeyData: key });
    const { credentials, directory, rewrite } = await setUp(t, 'https://a', {});
    const { exec } = plugin(join(directory, 'runs'), `{ ...${pair}, token: info.spec.cluster.server }`);
    await rewrite({ exec: { ...exec, provideClusterInfo: true } });
    const access = await credentials.current();
    assert.equal(access.headers['authorization'], 'Bearer https://a');
    assert.deepEqual(access.endpoint.clientCertificate, { cert: certificate, key });
  });

  for (const [name, exec, message] of [
    [
      'is not there',
      { command: 'no-such-plugin', installHint: 'get it at x' },
      /no-such-plugin cannot be run; get it at x.*ENOENT/,
    ],
    ['fails', { command: 'sh', args: ['-c', 'echo expired session >&2; exit 3'] }, /sh ended with 3: expired session/],
    ['writes no JSON', { command: 'echo', args: ['hello'] }, /echo wrote no JSON/],
    ['speaks another version', { command: 'echo', args: ['{"apiVersion":"v2"}'] }, /echo speaks v2, not client/],
    [
      'gives nothing',
      { command: 'echo', args: ['{"apiVersion":"client.authentication.k8s.io/v1"}'] },
      /neither token nor certificate/,
    ],
  ] as const) {
    it(`says so where a plugin ${name}`, async (t) => {
      const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', ...exec } };
      const { credentials } = await setUp(t, 'https://a', { user });
      await assert.rejects(credentials.current(), (error) => {
        assert.ok(hasCode(error, 'Unauthorized'));
        assert.match(messageOf(error), message);
        return true;
      });
    });
  }

  it('ends a running watch when the credentials change, so that it opens anew with the new ones', async (t) => {
    const server = await startServer(t);
    const { clock, client, credentials, directory } = await setUp(t, server.url, { user: { tokenFile: 'token' } });
    await writeFile(join(directory, 'token'), 'one');
    await credentials.current();
    await clock.advance(55_000);
    let outcome = '';
    let isOpen = false;
    const watching = (async () => {
      const onOpen = () => {
        isOpen = true;
      };
      const options = { resourceVersion: '1000', signal: AbortSignal.timeout(10_000), onOpen };
      for await (const event of client.watch(pods, options)) outcome = event.type;
      outcome = 'ended';
    })();
    await waitFor('open', () => isOpen);
    await writeFile(join(directory, 'token'), 'two');
    await clock.advance(5000);
    await watching;
    assert.equal(outcome, 'ended');
    assert.equal(await tokenOf(credentials), 'Bearer two');
  });

  it('speaks TLS with a client certificate, and takes a new one from its file within a minute', async (t) => {
    const authority = await TestAuthority.create();
    const [serving, first, second] = await Promise.all([
      authority.issue({ user: 'api', usage: 'server' }),
      authority.issue({ user: 'system:node:vk' }),
      authority.issue({ user: 'system:node:vk2' }),
    ]);
    const tls = { key: serving.key, cert: serving.certificate, clientCa: authority.pem };
    const server = await startServer(t, { tls });
    const cluster = {
      'certificate-authority-data': Buffer.from(authority.pem).toString('base64'),
      'tls-server-name': 'api',
    };
    const user = { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' };
    const { clock, client, credentials, directory } = await setUp(t, server.url, { user, cluster });
    const write = async (pair: typeof first) => {
      await writeFile(join(directory, 'cert.pem'), pair.certificate);
      await writeFile(join(directory, 'key.pem'), pair.key);
    };
    await write(first);
    server.acceptedTokens = new Set();
    await client.list(nodes);
    const access = await credentials.current();
    await write(second);
    await clock.advance(60_000);
    await waitFor('the new certificate', () => access.replaced.aborted);
    await client.list(nodes);
    assert.deepEqual(
      server.requests.map(({ clientName }) => clientName),
      ['system:node:vk', 'system:node:vk2'],
    );
  });

  it('does not speak to a server that another authority vouches for', async (t) => {
    const [ours, theirs] = await Promise.all([TestAuthority.create('ours'), TestAuthority.create('theirs')]);
    const serving = await theirs.issue({ user: 'api', usage: 'server' });
    const server = await startServer(t, { tls: { key: serving.key, cert: serving.certificate } });
    const cluster = {
      'certificate-authority-data': Buffer.from(ours.pem).toString('base64'),
      'tls-server-name': 'api',
    };
    const { client } = await setUp(t, server.url, { cluster });
    await assert.rejects(client.list(nodes), (error) => {
      assert.ok(hasCode(error, 'Unavailable'));
      assert.match(error.message, /certificate/);
      return true;
    });
    assert.deepEqual(server.requests, []);
  });
});
