import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type InspectedContainer, toContainerInfo, versionOfInspected, versionOfListed } from './container-info.ts';

const never = '0001-01-01T00:00:00Z';
const started = '2026-11-25T08:49:28.972498776Z';
const startedAtMs = Date.parse('2026-11-25T08:49:28.972Z');

function inspected(state: Partial<InspectedContainer['State']>): InspectedContainer {
  return {
    Id: 'id',
    Name: 'name',
    Created: '2026-11-25T08:49:28.5Z',
    Pod: 'pod',
    Image: 'image-id',
    ImageName: 'docker.io/library/busybox:latest',
    IsInfra: false,
    State: {
      Status: 'created',
      Pid: 0,
      ExitCode: 0,
      OOMKilled: false,
      StartedAt: never,
      FinishedAt: never,
      ...state,
    },
    Config: { Labels: { a: 'b' }, StopSignal: 15 },
    HostConfig: { LogConfig: { Path: '/log' } },
    NetworkSettings: {},
  };
}

test('names, labels and image are as Podman has them', () => {
  assert.deepEqual(
    toContainerInfo(inspected({}), () => false),
    {
      id: 'id',
      name: 'name',
      sandboxId: 'pod',
      labels: { a: 'b' },
      image: 'docker.io/library/busybox:latest',
      imageId: 'image-id',
      createdAtMs: Date.parse('2026-11-25T08:49:28.5Z'),
      state: { kind: 'created' },
    },
  );
});

describe('the state', () => {
  const finished = '2026-11-25T08:49:30.580952964Z';
  const finishedAtMs = Date.parse('2026-11-25T08:49:30.580Z');
  const ended = { kind: 'exited', startedAtMs, finishedAtMs, exitCode: 0, oomKilled: false };
  const cases: readonly {
    name: string;
    state: Partial<InspectedContainer['State']>;
    oomKilled?: boolean;
    is: unknown;
  }[] = [
    { name: 'configured is not started yet', state: { Status: 'configured' }, is: { kind: 'created' } },
    {
      name: 'running tells the process',
      state: { Status: 'running', StartedAt: started, Pid: 42 },
      is: { kind: 'running', startedAtMs, pid: 42 },
    },
    {
      name: 'stopping still runs',
      state: { Status: 'stopping', StartedAt: started, Pid: 42 },
      is: { kind: 'running', startedAtMs, pid: 42 },
    },
    {
      name: 'stopped, and not cleaned up yet, has ended',
      state: { Status: 'stopped', StartedAt: started, FinishedAt: finished },
      is: ended,
    },
    {
      name: 'being removed after it ran has ended',
      state: { Status: 'removing', StartedAt: started, FinishedAt: finished },
      is: ended,
    },
    { name: 'being removed before it ran was never started', state: { Status: 'removing' }, is: { kind: 'created' } },
    {
      name: 'an end before the start, by a coarser clock, is at the start',
      state: { Status: 'exited', StartedAt: started, FinishedAt: '2026-11-25T08:49:28.970Z' },
      is: { ...ended, finishedAtMs: startedAtMs },
    },
    {
      name: 'an end that the machine’s end took away has no known exit code',
      state: { Status: 'exited', StartedAt: started },
      is: { ...ended, finishedAtMs: startedAtMs, exitCode: 255 },
    },
    {
      name: 'an end without its watcher has no known exit code',
      state: { Status: 'stopped', StartedAt: started, FinishedAt: finished, ExitCode: -1 },
      is: { ...ended, exitCode: 255 },
    },
    {
      name: 'an OOM kill that Podman saw is one',
      state: { Status: 'exited', StartedAt: started, FinishedAt: finished, ExitCode: 137, OOMKilled: true },
      is: { ...ended, exitCode: 137, oomKilled: true },
    },
    {
      name: 'an OOM kill that only the kernel saw is one',
      state: { Status: 'exited', StartedAt: started, FinishedAt: finished, ExitCode: 137 },
      oomKilled: true,
      is: { ...ended, exitCode: 137, oomKilled: true },
    },
    {
      name: 'an OOM kill that the container got over does not count',
      state: { Status: 'exited', StartedAt: started, FinishedAt: finished, OOMKilled: true },
      oomKilled: true,
      is: ended,
    },
    {
      name: 'what went wrong is told',
      state: { Status: 'exited', StartedAt: started, FinishedAt: finished, ExitCode: 127, Error: 'no such file' },
      is: { ...ended, exitCode: 127, error: 'no such file' },
    },
  ];
  for (const { name, state, oomKilled = false, is } of cases) {
    test(name, () => {
      assert.deepEqual(toContainerInfo(inspected(state), () => oomKilled).state, is);
    });
  }
});

test('a list and an inspect agree on whether anything has changed', () => {
  const entry = { Id: 'id', Pid: 1, IsInfra: false };
  const running = { ...entry, State: 'running', StartedAt: Math.floor(startedAtMs / 1000) };
  assert.equal(versionOfListed(running), versionOfInspected(inspected({ Status: 'running', StartedAt: started })));
  assert.notEqual(versionOfListed(running), versionOfListed({ ...running, State: 'exited' }));
  assert.notEqual(versionOfListed(running), versionOfListed({ ...running, StartedAt: running.StartedAt + 1 }));
  // How Podman writes "never" in a list.
  const created = { ...entry, State: 'created', StartedAt: -62_135_596_800 };
  assert.equal(versionOfListed(created), versionOfInspected(inspected({})));
});
