import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { hasCode, messageOf } from '../support/errors.ts';
import { loadKubeconfig } from './kubeconfig.ts';

async function folder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

/** A kubeconfig in YAML, with the user and cluster given as lines. */
const text = (user: string, cluster = 'server: https://10.0.0.1:6443/') => `
current-context: here
contexts:
- {name: here, context: {cluster: c, user: u}}
clusters:
- name: c
  cluster: {${cluster}}
users:
- name: u
  user: {${user}}
`;

async function load(t: TestContext, content: string, environment = {}) {
  const directory = await folder(t);
  const path = join(directory, 'config');
  await writeFile(path, content);
  return await loadKubeconfig({ path, environment });
}

const base64 = (value: string) => Buffer.from(value).toString('base64');

describe('loadKubeconfig', () => {
  it('reads server, CA, certificate and options of the current context', async (t) => {
    const data = `client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}`;
    const cluster = `server: https://a:6443/, certificate-authority-data: ${base64('CA')}, tls-server-name: b`;
    assert.deepEqual((await load(t, text(data, cluster))).endpoint, {
      server: 'https://a:6443',
      ca: 'CA',
      clientCertificate: { cert: 'CERT', key: 'KEY' },
      skipTlsVerify: false,
      tlsServerName: 'b',
      proxyUrl: undefined,
    });
  });

  it("reads the files it names, relative to its own folder, and the token's file before the token", async (t) => {
    const directory = await folder(t);
    await writeFile(join(directory, 'config'), text('token: old, tokenFile: token'));
    await writeFile(join(directory, 'token'), 'fresh\n');
    const kubeconfig = await loadKubeconfig({ path: join(directory, 'config'), environment: {} });
    assert.deepEqual([kubeconfig.token, kubeconfig.namesFiles], ['fresh', true]);
  });

  it('reads ~/.kube/config where no path is given', async (t) => {
    const home = await folder(t);
    await mkdir(join(home, '.kube'));
    await writeFile(join(home, '.kube', 'config'), text('token: abc'));
    const kubeconfig = await loadKubeconfig({ path: undefined, environment: { HOME: home } });
    assert.deepEqual([kubeconfig.token, kubeconfig.namesFiles], ['abc', false]);
  });

  it('looks through several files, skipping those that are not there', async (t) => {
    const directory = await folder(t);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(directory, name));
    await writeFile(String(b), 'current-context: here\ncontexts: [{name: here, context: {cluster: c, user: u}}]');
    await writeFile(String(c), text('token: abc').replace('here', 'elsewhere'));
    const kubeconfig = await loadKubeconfig({ path: [a, b, c].join(delimiter), environment: {} });
    assert.equal(kubeconfig.token, 'abc');
  });

  it('reads an exec plugin with its environment', async (t) => {
    const env = '[{name: AWS_PROFILE, value: prod}]';
    const exec = `exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token], env: ${env}}`;
    assert.deepEqual((await load(t, text(exec), { PATH: '/bin' })).exec, {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'aws',
      args: ['eks', 'get-token'],
      environment: { PATH: '/bin', AWS_PROFILE: 'prod' },
      provideClusterInfo: false,
      installHint: undefined,
    });
  });

  it('takes the service account of the pod it runs in where the file does not exist', async (t) => {
    const serviceAccountDir = await folder(t);
    await writeFile(join(serviceAccountDir, 'token'), 'sa-token');
    await writeFile(join(serviceAccountDir, 'ca.crt'), 'CA');
    const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const path = join(serviceAccountDir, 'missing');
    const kubeconfig = await loadKubeconfig({ path, environment, serviceAccountDir });
    assert.equal(kubeconfig.endpoint.server, 'https://[fd00::1]:443');
    assert.deepEqual([kubeconfig.token, kubeconfig.endpoint.ca, kubeconfig.namesFiles], ['sa-token', 'CA', true]);
  });

  for (const [name, content, message] of [
    ['is not YAML', 'users: [\ntoken: secret-token: {', /config is not valid YAML: .* in line \d/],
    ['is empty', '', /config is not valid YAML: .*empty/],
    ['is a list', '- a', /config holds no settings/],
    ['has no current context', 'clusters: []', /no current-context; choose one with kubectl config use-context/],
    ['lacks the context', text('').replace('name: here', 'name: there'), /no context named "here"; it has there/],
    ['lacks the cluster', text('').replace('cluster: c', 'cluster: d'), /no cluster named "d"; it has c/],
    ['lacks the user', text('').replace('user: u', 'user: v'), /no user named "v"; it has u/],
    ['has no server', text('', ''), /cluster "c": server must be a URL/],
    ['has a server that is no URL', text('', 'server: 10.0.0.1'), /server must be a URL such as https/],
    ['has a number for a token', text('token: 123'), /user "u": token must be a string/],
    ['has a certificate without its key', text(`client-certificate-data: ${base64('x')}`), /belong together/],
    [
      'names a CA that is not there',
      text('', 'server: https://a, certificate-authority: x.crt'),
      /cannot read certificate-authority.*ENOENT/,
    ],
    ['asks for an auth provider', text('auth-provider: {name: oidc}'), /auth-provider is not supported/],
    ['has an exec plugin without a command', text('exec: {apiVersion: x}'), /exec\.command is missing/],
    [
      'has an exec plugin of an unknown version',
      text('exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}'),
      /apiVersion must be/,
    ],
    [
      'has an exec plugin that must ask',
      text('exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}'),
      /nobody is here/,
    ],
  ] as const) {
    it(`says what is wrong where it ${name}`, async (t) => {
      await assert.rejects(load(t, content), (error) => {
        assert.ok(hasCode(error, 'InvalidInput'), `${error}`);
        assert.match(messageOf(error), message);
        assert.doesNotMatch(messageOf(error), /secret-token/);
        return true;
      });
    });
  }

  it('says that there is neither a file nor a cluster around', async () => {
    await assert.rejects(
      loadKubeconfig({ path: '/nowhere/config', environment: {} }),
      /\/nowhere\/config does not exist and/,
    );
  });

  it('says that a file cannot be read', async (t) => {
    const directory = await folder(t);
    const path = join(directory, 'config');
    await mkdir(path);
    await chmod(path, 0o700);
    await assert.rejects(loadKubeconfig({ path, environment: {} }), /cannot read kubeconfig .*config: EISDIR/);
  });
});
