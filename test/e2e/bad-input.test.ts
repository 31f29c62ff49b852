import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cluster, Stage } from './harness.ts';

/** Listens on a free port of the cluster's network until the test ends. */
async function takenPort(context: TestContext): Promise<string> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, resolve));
  context.after(() => taken.close());
  const address = taken.address();
  return typeof address === 'object' ? String(address?.port) : '';
}

test('what is wrong with flags and variables is said all at once, with exit code 2', async (context) => {
  const stage = await Stage.set(context);
  const flags = {
    '--node-ip': '127.0.0.1',
    '--cluster-dns': 'foo',
    '--cluster-domain': 'b@d',
    '--nodename': 'n'.repeat(70),
    '--full-resync-period': '1ms',
  };
  const environment = { VKUBELET_TAINT_KEY: 'b@d key', VKUBELET_TAINT_VALUE: 'b@d', VKUBELET_TAINT_EFFECT: 'Bad' };
  const node = await stage.spawnNode({ init: false, flags: Object.entries(flags).flat(), environment });
  assert.equal(await node.exited, 2, node.log());
  const lines = node.log().split('\n');
  for (const [name, value] of Object.entries({ ...flags, ...environment })) {
    assert.ok(
      lines.some((line) => line.includes(`${name}: "${value}" `)),
      `${name} in ${node.log()}`,
    );
  }
});

test('a root folder that cannot be used is said, with exit code 2', async (context) => {
  const stage = await Stage.set(context);
  for (const folder of ['/dev/null/state', '/proc/foo/state']) {
    const node = await stage.spawnNode({ init: false, flags: ['--root-dir', folder] });
    assert.equal(await node.exited, 2, node.log());
    assert.ok(node.log().includes(`--root-dir: "${folder}" cannot be used: `), node.log());
  }
});

test('a node that the API server will never take ends with exit code 2 and its words', async (context) => {
  const stage = await Stage.set(context);
  const bad = join(stage.rootDir, 'memory.json');
  // A quantity to the provider, and less than nothing to the API server.
  writeFileSync(bad, JSON.stringify({ [stage.nodeName]: { cpu: '-1' } }));
  const node = await stage.spawnNode({ init: false, provider: 'memory', flags: ['--provider-config', bad] });
  assert.equal(await node.exited, 2, node.log());
  assert.match(node.log(), new RegExp(`does not take node ${stage.nodeName}: .*invalid`, 'i'));
});

test('what is wrong with files is said, with exit code 2', async (context) => {
  const stage = await Stage.set(context);
  const file = (name: string, text: string): string => {
    const path = join(stage.rootDir, name);
    writeFileSync(path, text);
    return path;
  };
  for (const [what, options, message] of [
    ['a kubeconfig that is not one', { kubeconfig: file('bad.kubeconfig', '{{{') }, /bad\.kubeconfig/],
    ['malformed TOML', { flags: ['--provider-config', file('bad.toml', 'cpu = = 3')] }, /bad\.toml/],
    ['a key that is not known', { flags: ['--provider-config', file('key.toml', 'cpus = "3"')] }, /cpus/],
    ['a missing configuration', { flags: ['--provider-config', '/nowhere.toml'] }, /\/nowhere\.toml/],
    ['an unknown provider', { provider: 'paper' }, /paper.*(memory|podman)/s],
    [
      'a certificate that is not one',
      { flags: ['--tls-cert-file', file('c.pem', 'x'), '--tls-private-key-file', file('k.pem', 'x')] },
      /serving certificate/,
    ],
  ] as const) {
    const node = await stage.spawnNode({ init: false, ...options });
    assert.equal(await node.exited, 2, `${what}: ${node.log()}`);
    assert.match(node.log(), message, what);
  }
});

test('an API server that cannot be reached within --startup-timeout is named, with exit code 1', async (context) => {
  const stage = await Stage.set(context);
  const kubeconfig = join(stage.rootDir, 'nowhere.kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [{ name: 'x', cluster: { server: `https://${cluster.nodeIp}:1` } }],
      users: [{ name: 'x', user: { token: 'x' } }],
    }),
  );
  const node = await stage.spawnNode({ init: false, kubeconfig, flags: ['--startup-timeout', '2s'] });
  assert.equal(await node.exited, 1, node.log());
  assert.match(node.log(), new RegExp(`${cluster.nodeIp}:1`));
});

test('a port that is taken is named, with exit code 2', async (context) => {
  const stage = await Stage.set(context);
  const port = await takenPort(context);
  for (const [options, message] of [
    [{ environment: { KUBELET_PORT: port } }, new RegExp(`:${port}: .*in use`)],
    [
      { flags: ['--metrics-addr', `:${port}`] },
      new RegExp(`metrics on \\*:${port}; choose another --metrics-addr: .*in use`),
    ],
  ] as const) {
    const node = await stage.spawnNode({ init: false, ...options });
    assert.equal(await node.exited, 2, node.log());
    assert.match(node.log(), message);
  }
});
