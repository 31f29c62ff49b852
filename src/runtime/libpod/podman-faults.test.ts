import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import type { RuntimeEvent } from '../runtime.ts';
import type { LibpodRuntime } from './libpod-runtime.ts';
import { noPodman, PodmanService, waitFor } from './testing/podman-service.ts';
import { owner, sandboxSpec, TestSandbox } from './testing/specs.ts';

/** What a stream of events has said so far. */
class Heard {
  readonly events: RuntimeEvent[] = [];
  readonly end: Promise<unknown>;

  constructor(stream: AsyncIterable<RuntimeEvent>) {
    this.end = this.#read(stream);
  }

  of(containerId: string): readonly string[] {
    return this.events.filter((event) => event.containerId === containerId).map(({ action }) => action);
  }

  async #read(stream: AsyncIterable<RuntimeEvent>): Promise<unknown> {
    try {
      for await (const event of stream) this.events.push(event);
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

describe('events and faults of a real Podman', { skip: noPodman, timeout: 120_000 }, () => {
  const signal = new AbortController().signal;
  const options = { signal };
  let service: PodmanService;
  let runtime: LibpodRuntime;
  let sandbox: TestSandbox;
  let imageId: string;

  before(async () => {
    service = await PodmanService.start();
    runtime = service.runtime();
    imageId = (await runtime.findImage('busybox', options))?.id ?? '';
    const { id } = await runtime.runSandbox(sandboxSpec('faulty'), options);
    sandbox = new TestSandbox(runtime, { id, imageId, signal });
  });
  after(() => service?.[Symbol.asyncDispose]());

  test('events of what has all the labels are told in order, from the first call on, and no execs', async () => {
    const stop = new AbortController();
    const heard = new Heard(runtime.events({ ...owner, 'test/wanted': 'yes' }, { signal: stop.signal }));
    const labels = { ...owner, 'test/wanted': 'yes', other: 'label' };
    const unheard = await sandbox.run('true');
    const id = await sandbox.run('sleep 0.4', { labels });
    await runtime.exec(id, { command: ['true'], maxOutputBytes: 0 }, options);
    await sandbox.ended(id);
    await runtime.removeContainer(id, options);
    await waitFor('all is heard', () => heard.of(id).includes('remove'));
    assert.deepEqual(heard.of(id), ['create', 'start', 'died', 'remove']);
    assert.deepEqual(heard.of(unheard), []);
    assert.equal(heard.events[0]?.labels['other'], 'label');
    assert.equal(heard.events[0]?.sandboxId, sandbox.id);
    stop.abort(new Error('enough'));
    assert.match(String(await heard.end), /enough/);
  });

  test('what happens to a sandbox is told as its own', async () => {
    const stop = new AbortController();
    const heard = new Heard(runtime.events({ 'test/pod': 'heard' }, { signal: stop.signal }));
    const { id } = await runtime.runSandbox(sandboxSpec('heard'), options);
    await runtime.removeSandbox(id, options);
    await waitFor('all is heard', () => heard.events.some(({ action }) => action === 'remove'));
    assert.deepEqual(new Set(heard.events.map(({ containerId }) => containerId)), new Set([undefined]));
    assert.equal(heard.events[0]?.sandboxId, id);
    stop.abort();
    await heard.end;
  });

  for (const how of ['SIGTERM', 'SIGKILL'] as const) {
    test(`containers outlive a service that ends by ${how}, and what happened meanwhile is told`, async () => {
      const heard = new Heard(runtime.events(owner, options));
      const lives = await sandbox.run('sleep 1000');
      const ends = await sandbox.run('sleep 0.5; exit 3');
      const stopping = assert.rejects(runtime.stopContainer(lives, 60, options), (error) =>
        hasCode(error, 'Unavailable'),
      );
      await waitFor('events flow', () => heard.of(ends).includes('start'));
      await service.end(how);
      assert.ok(hasCode(await heard.end, 'Unavailable'));
      await stopping;
      await assert.rejects(runtime.listContainers(owner, options), (error) => {
        assert.ok(hasCode(error, 'Unavailable'));
        assert.match(error.message, /podman\.sock: is its service running\?/);
        return true;
      });
      await new Promise((resolve) => setTimeout(resolve, 600));

      await service.startAgain();
      const again = new Heard(runtime.events(owner, options));
      const states = new Map((await runtime.listContainers(owner, options)).map(({ id, state }) => [id, state]));
      assert.equal(states.get(lives)?.kind, 'running');
      const end = states.get(ends);
      assert.ok(end?.kind === 'exited' && end.exitCode === 3, JSON.stringify(end));
      await runtime.stopContainer(lives, 0, options);
      await waitFor('events flow again', () => again.of(lives).includes('died'));
    });
  }

  test('events go on when Podman puts its event file aside', async () => {
    const stop = new AbortController();
    const heard = new Heard(runtime.events(owner, { signal: stop.signal }));
    const first = await sandbox.run('true');
    await waitFor('events flow', () => heard.of(first).includes('died'));
    await service.run([
      'sh',
      '-c',
      'cd "$(dirname "$CONTAINERS_CONF")/tmp/events" && cp events.log x && mv x events.log',
    ]);
    const second = await sandbox.run('true');
    await waitFor('they still do', () => heard.of(second).includes('died'));
    stop.abort();
    await heard.end;
  });

  test('a container whose end nobody saw has ended all the same', async () => {
    const id = await sandbox.run('exec sleep 1000');
    const watched = await runtime.inspectContainer(id, options);
    assert.ok(watched.state.kind === 'running');
    const conmon = Number(await service.run(['podman', 'inspect', '--format', '{{.State.ConmonPid}}', id]));
    process.kill(conmon, 'SIGKILL');
    assert.equal((await runtime.inspectContainer(id, options)).state.kind, 'running');
    process.kill(watched.state.pid, 'SIGKILL');
    assert.deepEqual((await sandbox.ended(id)).exitCode, 255);
    const [listed] = await runtime.listContainers({ 'test/container': watched.name }, options);
    assert.deepEqual(listed, await runtime.inspectContainer(id, options));
    await runtime.stopContainer(id, 5, options);
    await runtime.removeContainer(id, options);
  });

  test('a container that has lost its watcher can be stopped', async () => {
    const id = await sandbox.run('trap "exit 0" TERM; echo ready; while true; do sleep 0.05; done');
    await sandbox.says(id, 'ready');
    process.kill(Number(await service.run(['podman', 'inspect', '--format', '{{.State.ConmonPid}}', id])), 'SIGKILL');
    await runtime.stopContainer(id, 1, options);
    assert.equal((await sandbox.ended(id)).exitCode, 255);
    await runtime.removeContainer(id, options);
  });
});
