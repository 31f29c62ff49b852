import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { cluster, Stage } from './harness.ts';

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
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, resolve));
  context.after(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const node = await stage.spawnNode({ init: false, environment: { KUBELET_PORT: port } });
  assert.equal(await node.exited, 2, node.log());
  assert.match(node.log(), new RegExp(`:${port}: .*in use`));
});
