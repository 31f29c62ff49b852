import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import type { LibpodRuntime } from './libpod-runtime.ts';
import { noPodman, PodmanService, registryAddress } from './testing/podman-service.ts';
import { isGone, owner, sandboxSpec, TestSandbox } from './testing/specs.ts';

describe('sandboxes and images of a real Podman', { skip: noPodman, timeout: 120_000 }, () => {
  const signal = new AbortController().signal;
  const options = { signal };
  let service: PodmanService;
  let runtime: LibpodRuntime;
  let imageId: string;

  before(async () => {
    service = await PodmanService.start();
    runtime = service.runtime();
    imageId = (await runtime.findImage('busybox', options))?.id ?? '';
  });
  after(() => service?.[Symbol.asyncDispose]());

  async function run(more: Parameters<typeof sandboxSpec>[1] & { readonly name: string }): Promise<TestSandbox> {
    const { id } = await runtime.runSandbox(sandboxSpec(more.name, more), options);
    return new TestSandbox(runtime, { id, imageId, signal });
  }

  test('a sandbox has an address, a host name, name servers and settings of its own', async () => {
    const made = await runtime.runSandbox(
      sandboxSpec('own', {
        hostname: 'my-host',
        dns: { servers: ['10.96.0.10'], searches: ['a.local', 'b.local'], options: ['ndots:5'] },
        sysctls: { 'net.ipv4.ip_local_port_range': '40000 41000' },
      }),
      options,
    );
    assert.equal(made.ready, true);
    assert.match(made.ips.join(), /^10\.89\.\d+\.\d+$/);
    assert.deepEqual(await listed('own'), made);
    assert.deepEqual((await runtime.listSandboxes({ ...owner, 'test/pod': 'other' }, options)).length, 0);

    const sandbox = new TestSandbox(runtime, { id: made.id, imageId, signal });
    const id = await sandbox.run(
      'hostname; cat /etc/resolv.conf; cat /proc/sys/net/ipv4/ip_local_port_range; ip -o -4 address show eth0; ls /etc',
    );
    await sandbox.ended(id);
    const output = await sandbox.output(id);
    for (const part of [
      'my-host\n',
      'search a.local b.local\nnameserver 10.96.0.10\noptions ndots:5\n',
      '40000\t41000',
    ]) {
      assert.ok(output.includes(part), `${part} is not in ${output}`);
    }
    assert.ok(output.includes(`${made.ips[0]}/`));
    // It is for whoever uses the sandbox to mount one.
    assert.doesNotMatch(output, /^hosts$/m);

    await assert.rejects(runtime.runSandbox(sandboxSpec('own'), options), (error) => hasCode(error, 'AlreadyExists'));
    await runtime.removeSandbox(made.id, options);
    await runtime.removeSandbox(made.id, options);
    assert.equal(await listed('own'), undefined);
    assert.ok(await isGone(runtime.inspectContainer(id, options)));
  });

  async function listed(name: string) {
    return (await runtime.listSandboxes(owner, options)).find((sandbox) => sandbox.name === name);
  }

  test('without search domains, the machine’s are not taken', async () => {
    const sandbox = await run({ name: 'no-search', dns: { servers: ['10.96.0.10'], searches: [], options: [] } });
    const id = await sandbox.run('cat /etc/resolv.conf');
    await sandbox.ended(id);
    assert.equal(await sandbox.output(id), 'nameserver 10.96.0.10\n');
    await runtime.removeSandbox(sandbox.id, options);
  });

  test('a sandbox that cannot be brought up leaves nothing behind', async () => {
    await assert.rejects(run({ name: 'bad', sysctls: { 'net.nosuch.thing': '1' } }), /\/proc\/sys\/net\/nosuch\/thing/);
    assert.equal(await listed('bad'), undefined);
    await assert.rejects(
      run({ name: 'bad', dns: { servers: ['not an address'], searches: [], options: [] } }),
      (error) => hasCode(error, 'InvalidInput'),
    );
  });

  test('stopped, it gives its address back and keeps its ended containers', async () => {
    const sandbox = await run({ name: 'stopped' });
    const ended = await sandbox.run('echo kept; exit 3');
    await sandbox.ended(ended);
    const running = await sandbox.run('sleep 1000');
    await runtime.stopSandbox(sandbox.id, options);
    await runtime.stopSandbox(sandbox.id, options);
    const after = await listed('stopped');
    assert.deepEqual({ ready: after?.ready, ips: after?.ips }, { ready: false, ips: [] });
    assert.equal((await sandbox.ended(running)).exitCode, 137);
    assert.equal((await sandbox.ended(ended)).exitCode, 3);
    assert.equal(await sandbox.output(ended), 'kept\n');
    const infos = await service.run([
      'podman',
      'inspect',
      'stopped.sandbox',
      '--format',
      '{{.NetworkSettings.IPAddress}}',
    ]);
    assert.equal(infos.trim(), '');
    const late = await sandbox.create(['true']);
    await assert.rejects(runtime.startContainer(late, options), (error) => hasCode(error, 'Conflict'));
    assert.equal((await listed('stopped'))?.ready, false);
    await runtime.removeSandbox(sandbox.id, options);
    await runtime.stopSandbox(sandbox.id, options);
  });

  test('volumes of the image go with the container, or with the sandbox', async () => {
    const sandbox = await run({ name: 'volumes' });
    const template = await sandbox.create(['true']);
    const commit = ['podman', 'commit', '--quiet', '--change', 'VOLUME /data', template, 'localhost/with-volume'];
    const withVolume = { imageId: (await service.run(commit)).trim() };
    const volumes = async () => (await service.run(['podman', 'volume', 'ls', '--quiet'])).trim().split('\n').length;
    const first = await sandbox.run('echo data >/data/file', withVolume);
    await sandbox.run('echo data >/data/file', withVolume);
    assert.equal(await volumes(), 2);
    await runtime.removeContainer(first, options);
    await runtime.removeSandbox(sandbox.id, options);
    assert.equal(await service.run(['podman', 'volume', 'ls', '--quiet']), '');
  });

  test('containers see each other’s processes only where they share them', async () => {
    for (const sharePids of [true, false]) {
      const sandbox = await run({ name: `pids-${sharePids}`, sharePids });
      await sandbox.run('exec sleep 4321');
      const id = await sandbox.run('ps');
      await sandbox.ended(id);
      assert.equal((await sandbox.output(id)).includes('sleep 4321'), sharePids);
      await runtime.removeSandbox(sandbox.id, options);
    }
  });

  test('only the first process is asked to stop, also where processes are shared', async () => {
    const sandbox = await run({ name: 'shared', sharePids: true });
    const id = await sandbox.run(
      `sh -c 'trap "echo the child was asked" TERM; echo ready; while true; do sleep 0.05; done' &
       trap "sleep 0.3; exit 6" TERM; wait; wait`,
    );
    await sandbox.says(id, 'ready');
    await runtime.stopContainer(id, 30, options);
    assert.equal((await sandbox.ended(id)).exitCode, 6);
    assert.equal(await sandbox.output(id), 'ready\n');
    await runtime.removeSandbox(sandbox.id, options);
  });

  test('containers share the limits of their sandbox: who takes the most of its memory is killed for it', async () => {
    const sandbox = await run({
      name: 'limited',
      resources: { cpuShares: 256, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000, memoryLimitBytes: 64 * 2 ** 20 },
    });
    const first = await sandbox.run(`x=$(head -c 10000000 /dev/zero | tr '\\0' x); echo has it; sleep 1000`);
    await sandbox.says(first, 'has it');
    const second = await sandbox.run(`x=$(head -c 50000000 /dev/zero | tr '\\0' x); echo has it; sleep 1000`);
    const { exitCode, oomKilled } = await sandbox.ended(second);
    assert.deepEqual({ exitCode, oomKilled }, { exitCode: 137, oomKilled: true });
    assert.equal((await runtime.inspectContainer(first, options)).state.kind, 'running');
    await runtime.removeSandbox(sandbox.id, options);
  });

  test('on the host’s network there is no address, and name servers are as asked', async () => {
    const dns = { servers: ['10.96.0.10'], searches: ['x.local'], options: [] };
    const sandbox = await run({ name: 'host', hostNetwork: true, hostname: 'the-host', dns });
    assert.deepEqual((await listed('host'))?.ips, []);
    const id = await sandbox.run('hostname; cat /etc/resolv.conf; ip -o link | wc -l');
    await sandbox.ended(id);
    const links = (await service.run(['ip', '-o', 'link'])).trim().split('\n').length;
    assert.equal(await sandbox.output(id), `the-host\nsearch x.local\nnameserver 10.96.0.10\n${links}\n`);
    await runtime.removeSandbox(sandbox.id, options);
  });

  test('a host port leads to the container’s', async () => {
    const port = { hostIp: '127.0.0.1', hostPort: 8088, containerPort: 80, protocol: 'tcp' } as const;
    const sandbox = await run({ name: 'ports', hostPorts: [port] });
    const id = await sandbox.run('echo hello >index.html; httpd -p 80 -h /; echo ready; sleep 1000');
    await sandbox.says(id, 'ready');
    assert.match(await service.run(['bash', '-c', request]), /hello/);
    await runtime.removeSandbox(sandbox.id, options);
  });
  const request = 'exec 3<>/dev/tcp/127.0.0.1/8088; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3';

  describe('images', () => {
    before(() => service.startRegistry());
    const credentials = { username: 'user', password: 'secret' };

    test('are found by every way to name them, or not', async () => {
      const image = await runtime.findImage('busybox', options);
      assert.match(image?.id ?? '', /^[0-9a-f]{64}$/);
      assert.ok((image?.sizeBytes ?? 0) > 100_000);
      const digest = image?.repoDigest ?? '';
      assert.match(digest, /^docker\.io\/library\/busybox@sha256:/);
      for (const name of ['docker.io/busybox:latest', image?.id ?? '', `sha256:${image?.id}`, digest]) {
        assert.equal((await runtime.findImage(name, options))?.id, image?.id, name);
      }
      for (const name of ['busybox:other', 'example.com/busybox', `busybox@sha256:${'0'.repeat(64)}`]) {
        assert.equal(await runtime.findImage(name, options), undefined, name);
      }
    });

    test('are pulled, from docker.io where no registry is named', async () => {
      const image = await runtime.pullImage('nginx', options);
      assert.match(image.repoDigest ?? '', /^docker\.io\/library\/nginx@sha256:[0-9a-f]{64}$/);
      assert.deepEqual(await runtime.findImage('nginx', options), image);
    });

    test('are pulled with credentials where those are wanted', async () => {
      const name = `${registryAddress}/private/app:1`;
      assert.ok((await runtime.pullImage(name, { ...options, credentials })).repoTags.includes(name));
    });

    const failures = [
      { what: 'an image that is not there', name: `${registryAddress}/missing/app`, code: 'NotFound' },
      { what: 'an image of others', name: `${registryAddress}/private/app`, code: 'Unauthorized' },
      { what: 'an image behind a name that nobody knows', name: 'registry.invalid/app', code: 'Unavailable' },
    ] as const;
    for (const { what, name, code } of failures) {
      test(`${what} is not pulled, and why is told`, async () => {
        await assert.rejects(runtime.pullImage(name, options), (error) => {
          assert.ok(hasCode(error, code), String(error));
          assert.equal(error.reason, 'ErrImagePull');
          assert.ok(error.message.startsWith(`failed to pull image "${name}": `), error.message);
          return true;
        });
      });
    }

    test('wrong credentials are refused and not repeated', async () => {
      const wrong = { username: 'user', password: 'not-the-secret' };
      const pull = runtime.pullImage(`${registryAddress}/private/app`, { ...options, credentials: wrong });
      await assert.rejects(
        pull,
        (error) => hasCode(error, 'Unauthorized') && !error.message.includes('not-the-secret'),
      );
    });
  });
});
