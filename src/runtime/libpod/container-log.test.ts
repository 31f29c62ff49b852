import assert from 'node:assert/strict';
import { existsSync, linkSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import type { LibpodRuntime } from './libpod-runtime.ts';
import { noPodman, PodmanService, waitFor } from './testing/podman-service.ts';
import { isGone, sandboxSpec, TestSandbox } from './testing/specs.ts';

describe('logs of a real Podman', { skip: noPodman, timeout: 120_000 }, () => {
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
    const { id } = await runtime.runSandbox(sandboxSpec('logs'), options);
    sandbox = new TestSandbox(runtime, { id, imageId: image.id, signal });
  });
  after(() => service?.[Symbol.asyncDispose]());

  /** What the container wrote, parts of lines put together. */
  const written = (files: readonly string[]): string =>
    files
      .map((file) => readFileSync(file, 'utf8'))
      .join('')
      .replace(/^\S+ stdout (?:P (.*)\n|F (.*\n))/gm, '$1$2');

  test('goes on in a new file when asked, and not a line is lost or doubled, however fast the container writes', async () => {
    const lines = 200_000;
    const id = await sandbox.run(`echo ready; i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i; done`);
    const path = await runtime.logPath(id, options);
    const files = [];
    await sandbox.says(id, '1');
    for (let serial = 1; serial <= 5; serial++) {
      const { ino } = statSync(path);
      linkSync(path, `${path}.${serial}`);
      files.push(`${path}.${serial}`);
      await runtime.reopenLog(id, options);
      await waitFor('there is a new file', () => statSync(path).ino !== ino);
    }
    await sandbox.ended(id);
    const read = written([...files, path])
      .trimEnd()
      .split('\n')
      .slice(1)
      .map(Number);
    assert.equal(read.length, lines);
    assert.ok(read.every((number, index) => number === index + 1));
    assert.ok(statSync(path).size > 0, 'the container ended before the last of its files');
    await runtime.removeContainer(id, options);
    for (const file of [...files, dirname(path)]) assert.ok(!existsSync(file), `${file} is still there`);
  });

  test('is asked in vain where the container has ended, was never started, or is not there', async () => {
    const ended = await sandbox.run('true');
    await sandbox.ended(ended);
    const created = await sandbox.create(['true']);
    for (const id of [ended, created]) {
      await assert.rejects(runtime.reopenLog(id, options), (error) => hasCode(error, 'Conflict'));
      await runtime.removeContainer(id, options);
      assert.ok(await isGone(runtime.reopenLog(id, options)));
    }
  });

  test('is not cut by conmon, whatever containers.conf says', async () => {
    const id = await sandbox.run('sleep 1000');
    const pid = await service.run(['podman', 'inspect', '--format', '{{.State.ConmonPid}}', id]);
    const command = readFileSync(`/proc/${pid.trim()}/cmdline`, 'utf8').split('\0');
    assert.equal(command[command.indexOf('--log-size-max') + 1], String(Number.MAX_SAFE_INTEGER));
    await runtime.removeContainer(id, options);
  });
});
