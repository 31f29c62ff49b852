import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { CertificateAuthority, type KeyPair } from '../cluster/certificates.ts';
import { credentialFiles } from '../cluster/credentials.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, isReady, kubectl, Stage } from './harness.ts';

/** Who asks: by a client certificate, a token, both, or neither. */
interface Asker {
  readonly pair?: KeyPair;
  readonly token?: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What who may do everything is answered, where that is not 200. */
const statusForAll: Readonly<Record<string, number>> = {
  exec: 101,
  attach: 101,
  portForward: 101,
  // By a POST only; and there is no machine whose logs to show.
  run: 405,
  logs: 405,
  'no-such-path': 404,
};

/** A real node behind the real API server, asked directly: its reviews are what decides. */
test('nobody unauthorised gets into a node', async (context) => {
  const stage = await Stage.set(context);
  const node = await stage.startNode();
  context.after(async () => {
    await cluster.kubectl(['delete', 'clusterrolebinding,clusterrole', `${stage.namespace}-metrics`]);
  });
  await cluster.apply([
    stage.pod('p', { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '100000'] }] }),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'scraper', namespace: stage.namespace } },
    ...metricsRights(stage),
  ]);
  await stage.untilPod('p', 'ready', isReady);
  const kubelet = new NodeUnderAttack(await kubeletPort(stage), stage.namespace);
  await context.test('the administrator gets all of it, so what follows is refused for who asks', async () => {
    const pair = await administrator();
    for (const path of kubelet.everyPath) {
      assert.equal((await kubelet.ask(path, { pair })).status, statusForAll[firstSegment(path)] ?? 200, path);
    }
  });
  await strangers(context, kubelet);
  await tokens(context, kubelet, stage);
  await paths(context, kubelet);
  await context.test('and the node has heard them all and is well', async () => {
    node.throwIfEnded();
    const { status } = await kubelet.ask('/healthz', { pair: await administrator() });
    assert.equal(status, 200);
    const { stdout } = await cluster.kubectl(['exec', 'p', '--namespace', stage.namespace, '--', 'echo', 'well']);
    assert.equal(stdout, 'well\n');
  });
});

/** Certificates that must not count, and none at all. */
async function strangers(context: TestContext, kubelet: NodeUnderAttack): Promise<void> {
  const masters = { commonName: 'admin', organizations: ['system:masters'], usage: 'client' } as const;
  const authority = await clusterAuthority();
  const askers: Readonly<Record<string, Asker>> = {
    'without a certificate': {},
    'with a certificate of another authority': {
      pair: await (await CertificateAuthority.create('other')).issue(masters),
    },
    'with a certificate of an authority of the same name': {
      pair: await (await CertificateAuthority.create('kubernetes')).issue(masters),
    },
    'with an expired certificate': { pair: await authority.issue({ ...masters, expiresInMs: -1000 }) },
    'with a certificate made for servers': { pair: await authority.issue({ ...masters, usage: 'server' }) },
    'with a token that is none': { token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.' },
    'with a token of a megabyte': { token: 'a'.repeat(900_000) },
  };
  for (const [who, asker] of Object.entries(askers)) {
    await context.test(`whoever comes ${who} is answered 401, whatever they ask for`, async () => {
      for (const path of kubelet.everyPath) {
        assert.deepEqual(await kubelet.ask(path, asker), { status: 401, text: 'Unauthorized' }, path);
      }
    });
  }
}

/** Tokens of the real API server, reviewed by it. */
async function tokens(context: TestContext, kubelet: NodeUnderAttack, stage: Stage): Promise<void> {
  const token = async (account: string, ...flags: readonly string[]): Promise<string> =>
    (await kubectl('create', 'token', account, '--namespace', stage.namespace, ...flags)).trim();

  await context.test('a token of another audience is answered 401, though its bearer has the right', async () => {
    const foreign = await token('scraper', '--audience', 'somebody-else');
    assert.equal((await kubelet.ask('/metrics/resource', { token: foreign })).status, 401);
  });

  await context.test('a bearer without rights is known, and answered 403 with what is missing', async () => {
    const known = { token: await token('default') };
    for (const path of kubelet.everyPath) {
      const { status, text } = await kubelet.ask(path, known);
      assert.equal(status, 403, path);
      assert.match(text, /^Forbidden \(user=system:serviceaccount:\w+:default, verb=\w+, resource=nodes, /);
    }
  });

  await context.test('a right to nodes/metrics opens the metrics and nothing else', async () => {
    const scraper = { token: await token('scraper') };
    for (const path of kubelet.everyPath) {
      const { status } = await kubelet.ask(path, scraper);
      assert.equal(status, path.startsWith('/metrics') ? 200 : 403, path);
    }
  });

  await context.test('a token whose service account is gone is answered 401', async () => {
    const orphan = await token('scraper');
    await kubectl('delete', 'serviceaccount', 'scraper', '--namespace', stage.namespace);
    assert.equal((await kubelet.ask('/metrics/resource', { token: orphan })).status, 401);
  });
}

/** Even who may do everything gets nothing but pods' things by a pod's name. */
async function paths(context: TestContext, kubelet: NodeUnderAttack): Promise<void> {
  const { namespace } = kubelet;
  const traversals = [
    `/containerLogs/${namespace}/p/..%2f..%2fetc%2fpasswd`,
    `/containerLogs/${namespace}/..%2f..%2fp/c`,
    `/containerLogs/..%2f${namespace}/p/c`,
    `/containerLogs/${namespace}/p/%2e%2e`,
    `/containerLogs/${namespace}/p/c%00`,
    `/containerLogs/${namespace}/p/c/../../../../etc/passwd`,
    '/pods/../../../etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
  ];
  await context.test('paths that climb are answered 400 or 404, and nothing is read', async () => {
    const pair = await administrator();
    for (const path of traversals) {
      const { status, text } = await kubelet.ask(path, { pair });
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
      assert.doesNotMatch(text, /root:/);
    }
  });
}

function firstSegment(path: string): string {
  return path.split('/')[1] ?? '';
}

class NodeUnderAttack {
  readonly namespace: string;
  readonly everyPath: readonly string[];
  readonly #port: number;

  constructor(port: number, namespace: string) {
    this.#port = port;
    this.namespace = namespace;
    const pod = `${namespace}/p`;
    this.everyPath = [
      '/pods',
      '/runningpods/',
      '/healthz',
      '/configz',
      '/logs/kubelet.log',
      `/run/${pod}/c?cmd=id`,
      '/stats/summary',
      '/metrics',
      '/metrics/resource',
      '/metrics/cadvisor',
      `/containerLogs/${pod}/c`,
      `/exec/${pod}/c?command=id&output=1`,
      `/attach/${pod}/c?output=1`,
      `/portForward/${pod}`,
      '/no-such-path',
    ];
  }

  /** Sends a path as it stands; asks for an upgrade where the path is of a stream. */
  ask(path: string, { pair, token }: Asker): Promise<Answer> {
    const upgrade = /^\/(exec|attach|portForward)\//.test(path)
      ? {
          connection: 'Upgrade',
          upgrade: 'SPDY/3.1',
          'x-stream-protocol-version': 'v4.channel.k8s.io, portforward.k8s.io',
        }
      : {};
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: cluster.nodeIp,
          port: this.#port,
          path,
          agent: false,
          rejectUnauthorized: false,
          ...(pair && { cert: pair.certificate, key: pair.key }),
          headers: { ...upgrade, ...(token && { authorization: `Bearer ${token}` }) },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      call.once('upgrade', (_response, socket) => {
        socket.destroy();
        resolve({ status: 101, text: '' });
      });
      call.once('error', reject);
      call.end();
    });
  }
}

function metricsRights(stage: Stage): object[] {
  const name = `${stage.namespace}-metrics`;
  const metadata = { name };
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata,
      rules: [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: 'scraper', namespace: stage.namespace }],
    },
  ];
}

async function kubeletPort(stage: Stage): Promise<number> {
  const path = '--output=jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}';
  return Number(
    await waitFor(async () => (await kubectl('get', 'node', stage.nodeName, path)).trim(), {
      what: 'the port of the node',
      timeoutMs: 10_000,
    }),
  );
}

async function administrator(): Promise<KeyPair> {
  const authority = await clusterAuthority();
  return authority.issue({ commonName: 'admin', organizations: ['system:masters'], usage: 'client' });
}

function clusterAuthority(): Promise<CertificateAuthority> {
  const { certificateAuthority, certificateAuthorityKey } = credentialFiles(cluster.runDir);
  return CertificateAuthority.load({
    certificate: readFileSync(certificateAuthority, 'utf8'),
    key: readFileSync(certificateAuthorityKey, 'utf8'),
  });
}
