import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, endCluster, openCluster, startCluster } from './cluster.ts';
import { namespaceExists, networkNamespace } from './network-namespace.ts';
import { clusterDir } from './paths.ts';
import { runCommand, tryCommand } from './run-command.ts';
import { waitFor } from './wait-for.ts';

const progress = (line: string) => console.log(`  ${line}`);
const nodeName = 'by-hand';

suite('a cluster that is up', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ name: 'selftest', progress });
  });
  after(() => cluster.stop());

  test('its API server is ready', async () => {
    const { code, stdout } = await cluster.kubectl(['get', '--raw', '/readyz']);
    assert.deepEqual([code, stdout], [0, 'ok']);
  });

  test('a second start of the same name says that it runs already, and leaves it alone', async () => {
    await assert.rejects(startCluster({ name: 'selftest' }), (error: Error) => {
      assert.equal(
        error.message,
        `The cluster 'selftest' is running already, started by process ${process.pid}. Use another name, or end that ` +
          'one first: node test/cluster/main.ts down --name selftest',
      );
      return true;
    });
    assert.equal((await cluster.kubectl(['get', '--raw', '/readyz'])).stdout, 'ok');
  });

  test('namespaces have their service account and the root certificate', async () => {
    const { stdout } = await cluster.kubectl([
      'get',
      'serviceaccount/default',
      'configmap/kube-root-ca.crt',
      '-o=name',
    ]);
    assert.equal(stdout, 'serviceaccount/default\nconfigmap/kube-root-ca.crt\n');
  });

  test('a node may do what the Node authorizer and NodeRestriction let it, and no more', async () => {
    const kubeconfig = await cluster.kubeconfigFor({ user: 'system:node:mine', groups: ['system:nodes'] });
    const create = (name: string, labels: object) =>
      cluster.kubectl([`--kubeconfig=${kubeconfig}`, 'create', '--filename=-'], {
        input: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels } }),
      });
    assert.match((await create('other', {})).stderr, /node "mine" is not allowed to modify node "other"/);
    assert.match((await create('mine', { 'kubernetes.io/role': 'agent' })).stderr, /is not allowed to/);
    assert.equal((await create('mine', {})).code, 0);
    assert.match((await cluster.kubectl([`--kubeconfig=${kubeconfig}`, 'get', 'secrets', '-A'])).stderr, /Forbidden/);
  });

  test('a service account has a kubeconfig too', async () => {
    const kubeconfig = await cluster.kubeconfigForServiceAccount('default', 'default');
    const { stdout } = await cluster.kubectl([`--kubeconfig=${kubeconfig}`, 'auth', 'whoami', '-o=json']);
    assert.equal(JSON.parse(stdout).status.userInfo.username, 'system:serviceaccount:default:default');
  });

  test('a client certificate that has expired is refused', async () => {
    const kubeconfig = await cluster.kubeconfigFor({ user: 'late', groups: ['system:masters'], expiresInMs: 1_000 });
    await delay(2_000);
    assert.match(
      (await cluster.kubectl([`--kubeconfig=${kubeconfig}`, 'get', 'nodes'])).stderr,
      /Unauthorized|logged in/,
    );
  });

  test('nobody is let in without a credential', async () => {
    const { stdout } = await tryCommand(cluster.inside(['curl', '-sk', `${cluster.apiServerUrl}/healthz`]));
    assert.match(stdout, /Unauthorized/);
  });

  test('servers listen inside the network only', async () => {
    const host = await runCommand(['sh', '-c', 'cat /proc/net/tcp /proc/net/tcp6']);
    for (const port of [2379, 6443, 10257, 10259]) {
      assert.ok(
        !new RegExp(`:${port.toString(16).toUpperCase()} \\S+ 0A`).test(host),
        `${port} is open on the machine`,
      );
    }
  });

  test('an image is pulled from the registry and runs, and Services lead to it', async () => {
    await cluster.apply([{ apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } }]);
    const addresses = [{ type: 'InternalIP', address: cluster.nodeIp }];
    await cluster.kubectl([
      'patch',
      'node',
      nodeName,
      '--subresource=status',
      `-p=${JSON.stringify({ status: { addresses } })}`,
    ]);
    const kubeProxy = await cluster.startKubeProxy(nodeName);

    await cluster.podman(['run', '--detach', '--name=web', '--pull=always', 'nginx']);
    const podIp = (await cluster.podman(['inspect', 'web', '--format={{.NetworkSettings.IPAddress}}'])).trim();
    await cluster.apply([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'default' },
        spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [podIp] }],
        ports: [{ port: 80 }],
      },
    ]);
    const byNodePort = ['curl', '--silent', '--show-error', '--max-time', '3', `http://${cluster.nodeIp}:30080/`];
    await waitFor(async () => (await runCommand(cluster.inside(byNodePort))).includes('Welcome to nginx!'), {
      what: 'the node port to answer',
      timeoutMs: 10_000,
    });
    const domain = `svc.${cluster.clusterDomain}`;
    const inPod = (script: string) =>
      cluster.podman(['run', '--rm', `--dns=${cluster.clusterDnsIp}`, 'busybox', 'sh', '-c', script]);
    assert.match(await inPod(`wget -qO- http://web.default.${domain}/`), /Welcome to nginx!/);
    assert.match(await inPod(`nslookup kubernetes.default.${domain}`), /Address: 10\.96\.0\.1\n/);
    assert.equal(await inPod('nc -w 3 10.96.0.1 443 </dev/null && echo reached'), 'reached\n');
    // The other end of a connection through a Service is the pod itself, not the node.
    assert.match(await cluster.podman(['logs', 'web']), /^10\.88\.(?!0\.1 )[\d.]+ .*Wget/m);

    await kubeProxy.stop();
    assert.deepEqual(processesWith(join(cluster.runDir, 'kube-proxy.json')), []);
  });

  test('how a container ended is recorded', async () => {
    const id = (await cluster.podman(['run', '--detach', 'busybox', 'sh', '-c', 'exit 3'])).trim();
    await waitFor(
      async () =>
        (await cluster.podman(['inspect', id, '--format={{.State.Status}} {{.State.ExitCode}}'])) === 'exited 3\n',
      { what: 'the container to have exited with 3', timeoutMs: 5_000 },
    );
  });

  test('another process can find it and control its servers', async () => {
    const opened = await openCluster('selftest');
    assert.equal((await opened.kubectl(['get', '--raw', '/readyz'])).stdout, 'ok');
    await assert.rejects(opened.startApiServer(), /kube-apiserver is already running in the cluster 'selftest'/);
    await opened.stopApiServer();
    assert.match((await opened.kubectl(['get', '--raw', '/readyz'])).stderr, /refused/);
    await opened.startApiServer();
    assert.equal((await opened.kubectl(['get', '--raw', '/readyz'])).stdout, 'ok');
  });

  test('a frozen API server does not answer until it is let go on', async () => {
    await cluster.freezeApiServer();
    const frozen = await cluster.kubectl(['get', '--raw', '/readyz', '--request-timeout=1s']);
    assert.notEqual(frozen.code, 0);
    await cluster.thawApiServer();
    assert.equal((await cluster.kubectl(['get', '--raw', '/readyz'])).stdout, 'ok');
  });

  test('containers go on while the Podman service is stopped', async () => {
    await cluster.podman(['run', '--detach', '--name=lasting', 'busybox', 'sleep', '1000']);
    await cluster.stopPodman();
    assert.equal(await cluster.podman(['inspect', 'lasting', '--format={{.State.Running}}']), 'true\n');
    await cluster.startPodman();
  });
});

test('a cluster that is ended leaves nothing behind', async () => {
  const cluster = await startCluster({ name: 'ending', progress });
  await cluster.podman(['run', '--detach', 'busybox', 'sleep', '1000']);
  await cluster.podman(['pod', 'create', '--name=pod']);
  await cluster.stop();
  await cluster.stop();
  assertGone('ending');
});

test('an interrupted start leaves nothing behind', async () => {
  const interrupted = new AbortController();
  const starting = startCluster({ name: 'cut', progress, signal: interrupted.signal });
  await waitFor(async () => namespaceExists(networkNamespace('cut')), { what: 'the start', timeoutMs: 10_000 });
  interrupted.abort(new Error('Ctrl-C'));
  await assert.rejects(starting);
  assertGone('cut');
});

test('what a killed run left is cleared up by the next start', async () => {
  const killed = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'up', '--name=killed'], {
    stdio: 'ignore',
  });
  const cluster = await waitFor(() => openCluster('killed'), { what: 'the cluster', timeoutMs: 60_000 });
  const container = (await cluster.podman(['run', '--detach', 'busybox', 'sleep', '1000'])).trim();
  // Until then its number is taken, by what is left of it.
  const exited = once(killed, 'exit');
  killed.kill('SIGKILL');
  await exited;
  await waitFor(async () => processesWith(`${cluster.runDir}/credentials`).length === 0, {
    what: 'the servers to end with the process that started them',
    timeoutMs: 10_000,
  });
  assert.ok(existsSync(`/run/runc/${container}`), 'the container goes on: it is what is to be cleared up');

  await using again = await startCluster({ name: 'killed', progress });
  assert.equal((await again.podman(['ps', '--all', '--quiet'])).trim(), '');
  assert.ok(!existsSync(`/run/runc/${container}`), 'the container is gone');
});

test('a cluster can be ended by another process', async () => {
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'up', '--name=ended'], {
    stdio: 'ignore',
  });
  const exited = new Promise<number | null>((resolve) => owner.once('exit', resolve));
  await waitFor(() => openCluster('ended'), { what: 'the cluster', timeoutMs: 60_000 });
  await endCluster('ended');
  assert.equal(await exited, 0);
  assertGone('ended');
  await assert.rejects(openCluster('ended'), /The cluster 'ended' is not up/);
});

function assertGone(name: string): void {
  assert.ok(!existsSync(clusterDir(name)), 'the files are gone');
  assert.ok(!namespaceExists(networkNamespace(name)), 'the network namespace is gone');
  assert.ok(!existsSync(networkNamespace(name).path), 'its name is gone');
  assert.deepEqual(processesWith(clusterDir(name)), []);
}

/** The ids of the processes that have this text in their command line. */
function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}
