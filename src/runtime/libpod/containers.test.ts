import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { LibpodClient } from './client.ts';
import { ContainerProcesses } from './container-processes.ts';
import { Containers } from './containers.ts';

/** Podman's answers about containers that a test makes up, and what it was asked. */
class Answers {
  readonly containers = new Map<string, { status: string; startedAt: string; exitCode: number }>();
  inspects = 0;
  lists = 0;

  handle(url: string): unknown {
    const [, id] = /\/containers\/([^/]+)\/json$/.exec(url) ?? [];
    if (id === undefined) {
      this.lists++;
      return [...this.containers].map(([Id, { status, startedAt }]) => ({
        Id,
        State: status,
        Pid: 1,
        StartedAt: Math.floor(Date.parse(startedAt) / 1000),
        IsInfra: false,
      }));
    }
    this.inspects++;
    const container = this.containers.get(id);
    return (
      container && {
        Id: id,
        Name: id,
        Created: container.startedAt,
        Config: { Labels: { a: 'b' } },
        HostConfig: { LogConfig: { Path: `/logs/${id}` } },
        State: {
          Status: container.status,
          Pid: 1,
          ExitCode: container.exitCode,
          StartedAt: container.startedAt,
          FinishedAt: container.status === 'exited' ? '2026-01-01T00:01:00Z' : '0001-01-01T00:00:00Z',
        },
      }
    );
  }
}

describe('lists of containers', () => {
  const options = { signal: new AbortController().signal };
  let folder: string;
  let answers: Answers;
  let server: Server;
  let client: LibpodClient;
  let containers: Containers;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vk-podman-'));
    answers = new Answers();
    server = createServer((request, response) => {
      const body = answers.handle(decodeURIComponent(request.url ?? '').replace(/\?.*$/, ''));
      response.statusCode = body === undefined ? 404 : 200;
      response.end(JSON.stringify(body ?? { message: 'no such container' }));
    });
    const socketPath = join(folder, 'podman.sock');
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    client = new LibpodClient(socketPath);
    containers = new Containers({
      client,
      clock: new FakeClock(),
      oomKills: { has: () => false, close() {} },
      processes: new ContainerProcesses(folder),
    });
  });
  afterEach(async () => {
    await client.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test('inspect a container once for each state, not at each list', async () => {
    const running = { status: 'running', startedAt: '2026-01-01T00:00:00.5Z', exitCode: 0 };
    for (let i = 0; i < 1000; i++) answers.containers.set(`c${i}`, running);
    for (let i = 0; i < 3; i++) assert.equal((await containers.list({ a: 'b' }, options)).length, 1000);
    assert.deepEqual([answers.lists, answers.inspects], [3, 1000]);

    answers.containers.set('c7', { ...running, status: 'exited', exitCode: 3 });
    for (let i = 0; i < 3; i++) {
      const seventh = (await containers.list({ a: 'b' }, options)).find(({ id }) => id === 'c7');
      assert.ok(seventh?.state.kind === 'exited' && seventh.state.exitCode === 3);
    }
    assert.equal(answers.inspects, 1001);
  });

  test('leave out what is removed meanwhile', async () => {
    answers.containers.set('here', { status: 'running', startedAt: '2026-01-01T00:00:00Z', exitCode: 0 });
    answers.containers.set('gone', { status: 'running', startedAt: '2026-01-01T00:00:00Z', exitCode: 0 });
    const handle = answers.handle.bind(answers);
    answers.handle = (url) => (url.includes('/gone/') ? undefined : handle(url));
    assert.deepEqual(
      (await containers.list({}, options)).map(({ id }) => id),
      ['here'],
    );
  });

  test('say where Podman is looked for when it does not answer', async () => {
    const nobody = new LibpodClient(join(folder, 'nobody.sock'));
    await assert.rejects(nobody.json({ method: 'GET', path: '/info' }, options), (error) => {
      assert.ok(hasCode(error, 'Unavailable'));
      assert.match(error.message, /nobody\.sock: is its service running\?/);
      return true;
    });
    await nobody.close();
  });
});
