import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import type { LibpodRuntime } from './libpod-runtime.ts';
import { noPodman, PodmanService, waitFor } from './testing/podman-service.ts';
import { isGone, owner, sandboxSpec, TestSandbox } from './testing/specs.ts';

describe('containers of a real Podman', { skip: noPodman, timeout: 120_000 }, () => {
  const signal = new AbortController().signal;
  const options = { signal };
  let service: PodmanService;
  let runtime: LibpodRuntime;
  let sandbox: TestSandbox;

  before(async () => {
    service = await PodmanService.start();
    runtime = service.runtime();
    const image = await runtime.findImage('busybox', options);
    assert.ok(image);
    const { id } = await runtime.runSandbox(sandboxSpec('web'), options);
    sandbox = new TestSandbox(runtime, { id, imageId: image.id, signal });
  });
  after(() => service?.[Symbol.asyncDispose]());

  test('the version tells the machine', async () => {
    const version = await runtime.version(options);
    assert.match(version.version, /^\d+\.\d+/);
    assert.equal(version.operatingSystem, 'linux');
    assert.ok(version.cpus >= 1 && version.memoryBytes > 2 ** 28 && version.storageBytes > 2 ** 28);
    assert.deepEqual(await runtime.version(options), version);
  });

  test('a container has what its spec says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vk-mount-'));
    try {
      writeFileSync(join(folder, 'hosts'), '10.1.2.3 friend\n');
      const id = await sandbox.run(
        [
          'id -u; id -g; id -G; pwd; echo $GREETING; cat /etc/hosts',
          'touch /etc/hosts 2>/dev/null || echo hosts are read-only; touch /x 2>/dev/null || echo the root is read-only',
          'df -k /scratch | tail -n 1 | cut -d " " -f 2- | tr -s " " | cut -d " " -f 2; ls /scratch',
          'cat /proc/self/oom_score_adj; grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status | tr "\\t" " "',
        ].join('\n'),
        {
          env: { GREETING: 'hello there' },
          workingDir: '/made/for/it',
          user: '1000:2000',
          supplementalGroups: [3000],
          readOnlyRoot: true,
          noNewPrivileges: true,
          capabilitiesDrop: ['ALL'],
          capabilitiesAdd: ['NET_BIND_SERVICE'],
          resources: { oomScoreAdj: 500 },
          mounts: [
            { kind: 'bind', source: join(folder, 'hosts'), target: '/etc/hosts', readOnly: true },
            { kind: 'tmpfs', target: '/scratch', sizeBytes: 2 ** 20 },
          ],
        },
      );
      assert.equal((await sandbox.ended(id)).exitCode, 0);
      assert.deepEqual((await sandbox.output(id)).trim().split('\n'), [
        ...['1000', '2000', '2000 3000', '/made/for/it', 'hello there', '10.1.2.3 friend'],
        ...['hosts are read-only', 'the root is read-only', '1024'],
        ...['500', 'CapBnd: 0000000000000400', 'NoNewPrivs: 1', 'Seccomp: 2'],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('the entrypoint takes the place of the image’s, and its command goes with it', async () => {
    const id = await sandbox.create([], { entrypoint: ['echo', 'only this'] });
    await runtime.startContainer(id, options);
    await sandbox.ended(id);
    assert.equal(await sandbox.output(id), 'only this\n');
  });

  test('a container runs once: starting it again does nothing, or is refused when it has ended', async () => {
    const id = await sandbox.run('echo once; sleep 0.3');
    await runtime.startContainer(id, options);
    await sandbox.ended(id);
    await assert.rejects(runtime.startContainer(id, options), (error) => hasCode(error, 'Conflict'));
    assert.equal(await sandbox.output(id), 'once\n');
  });

  test('limits are the cgroup’s, and can be changed and lifted while it runs', async () => {
    const id = await sandbox.run('sleep 1000', {
      resources: { cpuShares: 512, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000, memoryLimitBytes: 64 * 2 ** 20 },
    });
    assert.deepEqual(await limits(id), { memory: '67108864', cpu: '50000' });
    await runtime.updateResources(id, { cpuQuotaUs: 20_000, cpuPeriodUs: 100_000, memoryLimitBytes: 2 ** 27 }, options);
    assert.deepEqual(await limits(id), { memory: '134217728', cpu: '20000' });
    await runtime.updateResources(id, { cpuShares: 2 }, options);
    const { memory, cpu } = await limits(id);
    assert.match(`${memory} ${cpu}`, /^(max|922\d+) (max|-1)$/);
    await runtime.removeContainer(id, options);
  });

  test('processes have the limits that were named, and those of every container', async () => {
    const script = 'ulimit -Sn; ulimit -Hn; ulimit -u; ulimit -c';
    const usual = await sandbox.run(script);
    const id = await sandbox.run(script, {
      ulimits: [
        { name: 'nofile', soft: 123, hard: 456 },
        { name: 'core', soft: 0, hard: 0 },
      ],
    });
    for (const container of [usual, id]) assert.equal((await sandbox.ended(container)).exitCode, 0);
    const [, , processes] = (await sandbox.output(usual)).split('\n');
    assert.deepEqual((await sandbox.output(id)).split('\n'), ['123', '456', processes, '0', '']);
  });

  test('an init is above the command and hands signals on to it', async () => {
    const id = await sandbox.run(
      `trap 'exit 5' TERM; [ $$ != 1 ] && echo is a child; while true; do sleep 0.05; done`,
      {
        init: true,
      },
    );
    await sandbox.says(id, 'is a child');
    await runtime.stopContainer(id, 30, options);
    assert.equal((await sandbox.ended(id)).exitCode, 5);
  });

  async function limits(id: string): Promise<{ memory: string; cpu: string }> {
    const read = (v1: string, v2: string) =>
      `cat /sys/fs/cgroup/${v1} 2>/dev/null || cut -d ' ' -f 1 /sys/fs/cgroup/${v2}`;
    const script = `${read('memory/memory.limit_in_bytes', 'memory.max')}; ${read('cpu/cpu.cfs_quota_us', 'cpu.max')}`;
    const [memory = '', cpu = ''] = (await execText(id, script)).split('\n');
    return { memory, cpu };
  }

  async function execText(id: string, script: string): Promise<string> {
    const { stdout } = await runtime.exec(id, { command: ['sh', '-c', script], maxOutputBytes: 10_000 }, options);
    return new TextDecoder().decode(stdout);
  }

  test('the exit code, the times and the log are told', async () => {
    const beforeMs = Date.now();
    const id = await sandbox.run('echo out; echo err >&2; printf partial; exit 7');
    const state = await sandbox.ended(id);
    assert.equal(state.exitCode, 7);
    assert.equal(state.oomKilled, false);
    assert.ok(state.startedAtMs >= beforeMs && state.finishedAtMs >= state.startedAtMs);
    const lines = readFileSync(await runtime.logPath(id, options), 'utf8')
      .trim()
      .split('\n');
    assert.deepEqual(
      lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) /, '')).toSorted(),
      ['stderr F err', 'stdout F out', 'stdout P partial'],
    );
  });

  const badStarts = [
    { name: 'a command that is not there', command: ['nosuch'], says: /"nosuch": executable file not found/ },
    { name: 'a command that may not be run', command: ['/etc/passwd'], says: /"\/etc\/passwd": permission denied/ },
    {
      name: 'a user that is not there',
      command: ['true'],
      user: 'nobody-here',
      says: /unable to find user nobody-here/,
    },
  ];
  for (const { name, says, command, user } of badStarts) {
    test(`${name} ends the container at once, and why is told`, async () => {
      const id = await sandbox.create(command, user === undefined ? {} : { user });
      await assert.rejects(runtime.startContainer(id, options), (error) => {
        assert.ok(hasCode(error, 'InvalidInput'), String(error));
        assert.match(error.message, says);
        return true;
      });
      const { state } = await runtime.inspectContainer(id, options);
      assert.ok(
        state.kind === 'exited' && state.exitCode === 128 && says.test(state.error ?? ''),
        JSON.stringify(state),
      );
      assert.deepEqual((await listed(id))?.state, state);
      await runtime.removeContainer(id, options);
    });
  }

  async function listed(id: string) {
    return (await runtime.listContainers(owner, options)).find((info) => info.id === id);
  }

  test('a list tells what an inspect tells, at each state', async () => {
    const id = await sandbox.create(['sh', '-c', 'trap "exit 0" TERM; echo ready; sleep 1000 & wait'], {
      labels: { ...owner, only: 'this' },
    });
    for (const kind of ['created', 'running', 'exited']) {
      if (kind === 'running') await runtime.startContainer(id, options);
      if (kind === 'exited') {
        await sandbox.says(id, 'ready');
        await runtime.stopContainer(id, 10, options);
      }
      const [info, ...others] = await runtime.listContainers({ ...owner, only: 'this' }, options);
      assert.deepEqual(others, []);
      assert.equal(info?.state.kind, kind);
      assert.deepEqual(info, await runtime.inspectContainer(id, options));
      assert.deepEqual(await listed(id), info);
    }
    await runtime.removeContainer(id, options);
    assert.equal(await listed(id), undefined);
    assert.ok(await isGone(runtime.inspectContainer(id, options)));
    await runtime.removeContainer(id, options);
  });

  test('a name is taken once', async () => {
    const id = await sandbox.create(['true'], { name: 'taken' });
    await assert.rejects(sandbox.create(['true'], { name: 'taken' }), (error) => hasCode(error, 'AlreadyExists'));
    await runtime.removeContainer(id, options);
  });

  describe('OOM kills', () => {
    const resources = { memoryLimitBytes: 16 * 2 ** 20 };

    test('are told, also by a process that was not there when it happened', async () => {
      const id = await sandbox.run('exec tail /dev/zero', { resources });
      const { exitCode, oomKilled } = await sandbox.ended(id);
      assert.deepEqual({ exitCode, oomKilled }, { exitCode: 137, oomKilled: true });
      const { state } = await service.runtime().inspectContainer(id, options);
      assert.ok(state.kind === 'exited' && state.oomKilled);
    });

    test('of a child count where the container fails by it', async () => {
      const id = await sandbox.run('tail /dev/zero; exit 3', { resources });
      const { exitCode, oomKilled } = await sandbox.ended(id);
      assert.deepEqual({ exitCode, oomKilled }, { exitCode: 3, oomKilled: true });
    });

    test('are not every SIGKILL', async () => {
      const id = await sandbox.run('sleep 1000', { resources });
      await runtime.stopContainer(id, 0, options);
      const { exitCode, oomKilled } = await sandbox.ended(id);
      assert.deepEqual({ exitCode, oomKilled }, { exitCode: 137, oomKilled: false });
    });
  });

  test('a container may ask to be spared by the OOM killer', async () => {
    const id = await sandbox.run('cat /proc/self/oom_score_adj', { resources: { oomScoreAdj: -997 } });
    assert.equal((await sandbox.ended(id)).exitCode, 0);
    // 0 where Podman itself may not go lower.
    assert.match(await sandbox.output(id), /^(-997|0)\n$/);
  });

  describe('stopping', () => {
    const stubborn = 'trap "echo asked" TERM; echo ready; while true; do sleep 0.05; done';

    test('sends the stop signal and returns when the container has ended', async () => {
      const id = await sandbox.run('trap "echo bye; exit 5" TERM; echo ready; while true; do sleep 0.05; done');
      await sandbox.says(id, 'ready');
      await runtime.stopContainer(id, 30, options);
      const { state } = await runtime.inspectContainer(id, options);
      assert.ok(state.kind === 'exited' && state.exitCode === 5, JSON.stringify(state));
      assert.match(await sandbox.output(id), /^bye$/m);
      await runtime.stopContainer(id, 30, options);
    });

    test('kills what does not heed it; the shortest grace counts, and the signal is sent once', async () => {
      const id = await sandbox.run(stubborn);
      await sandbox.says(id, 'ready');
      const startMs = performance.now();
      const first = runtime.stopContainer(id, 60, options);
      await sandbox.says(id, 'asked');
      // Meanwhile it is a running container like others.
      assert.equal((await listed(id))?.state.kind, 'running');
      assert.equal(await execText(id, 'echo still here'), 'still here\n');
      await Promise.all([first, runtime.stopContainer(id, 1, options)]);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs > 1000 && tookMs < 10_000, `it took ${tookMs} ms`);
      assert.equal((await sandbox.ended(id)).exitCode, 137);
      assert.equal((await sandbox.output(id)).match(/asked/g)?.length, 1);
    });

    test('that is given up leaves the container alone', async () => {
      const id = await sandbox.run(stubborn);
      await sandbox.says(id, 'ready');
      const giveUp = new AbortController();
      const stopping = runtime.stopContainer(id, 1, { signal: giveUp.signal });
      await sandbox.says(id, 'asked');
      giveUp.abort(new Error('never mind'));
      await assert.rejects(stopping, /never mind/);
      assert.equal((await listed(id))?.state.kind, 'running');
      await runtime.removeContainer(id, options);
    });

    test('does nothing to a container that never ran, and says so of one that is not there', async () => {
      const id = await sandbox.create(['true']);
      await runtime.stopContainer(id, 1, options);
      await runtime.stopContainer(id, 0, options);
      assert.equal((await listed(id))?.state.kind, 'created');
      await runtime.removeContainer(id, options);
      for (const grace of [0, 1]) assert.ok(await isGone(runtime.stopContainer(id, grace, options)));
    });
  });

  describe('exec', () => {
    let id: string;
    before(async () => {
      id = await sandbox.run('sleep 1000');
    });
    const exec = (script: string, more: { maxOutputBytes?: number; signal?: AbortSignal } = {}) =>
      runtime.exec(
        id,
        { command: ['sh', '-c', script], maxOutputBytes: more.maxOutputBytes ?? 1000 },
        { signal: more.signal ?? signal },
      );
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

    test('keeps the two outputs apart and tells the exit code', async () => {
      const { exitCode, stdout, stderr } = await exec('echo out; echo err >&2; exit 9');
      assert.deepEqual([exitCode, text(stdout), text(stderr)], [9, 'out\n', 'err\n']);
    });

    test('drops output past the bound and runs to the end', async () => {
      const { exitCode, stdout } = await exec('yes | head -c 300000; exit 4', { maxOutputBytes: 10 });
      assert.deepEqual([exitCode, text(stdout)], [4, 'y\ny\ny\ny\ny\n']);
    });

    test('says why a command cannot be run', async () => {
      const { exitCode, stderr } = await runtime.exec(id, { command: ['nosuch'], maxOutputBytes: 1000 }, options);
      assert.equal(exitCode, 127);
      assert.match(text(stderr), /nosuch/);
    });

    test('that is given up is killed', async () => {
      const giveUp = new AbortController();
      const running = exec('sleep 7654; true', { signal: giveUp.signal });
      const sleeping = async () => (await execText(id, 'ps')).includes('sleep 7654');
      await waitFor('it runs', sleeping);
      giveUp.abort(new Error('too slow'));
      await assert.rejects(running, /too slow/);
      await waitFor('it is gone', async () => !(await sleeping()));
    });

    test('is refused where the container does not run', async () => {
      const created = await sandbox.create(['true']);
      const request = { command: ['true'], maxOutputBytes: 0 };
      await assert.rejects(runtime.exec(created, request, options), (error) => hasCode(error, 'Conflict'));
      await assert.rejects(runtime.exec('nosuch', request, options), (error) => hasCode(error, 'NotFound'));
    });
  });
});
