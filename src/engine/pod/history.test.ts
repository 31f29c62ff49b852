import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../kubernetes/objects.ts';
import { makePod } from '../testing/engine-harness.ts';
import { nothingOf } from './actual-pod.ts';
import { historyFromStatus, withLostAttempts } from './history.ts';

type Status = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** What is made of a container that the API server knows and the runtime does not have. */
function lost(status: Partial<Status>) {
  const pod = makePod({ containers: [{ name: 'a', image: 'app:1' }] });
  const whole: Status = { name: 'a', image: '', imageID: 'id', ready: false, restartCount: 0, ...status };
  const withStatus = { ...pod, status: { containerStatuses: [whole] } };
  const actual = withLostAttempts(pod, nothingOf({ namespace: '', name: '', uid: '' }), historyFromStatus(withStatus));
  const attempt = actual.attempts.get('a')?.[0];
  return attempt && [attempt.attempt, attempt.state.kind === 'exited' && attempt.state.exitCode, attempt.lost?.reason];
}

describe('a container that is gone from the runtime', () => {
  it('never ran where it has no id', () => {
    assert.equal(lost({ state: { waiting: { reason: 'ErrImagePull' } } }), undefined);
  });

  it('failed, as far as anybody knows, where it ran', () => {
    const status = {
      containerID: 'podman://x',
      restartCount: 3,
      state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
    };
    assert.deepEqual(lost(status), [3, 137, 'ContainerStatusUnknown']);
  });

  it('ended as the API server says', () => {
    const terminated = { exitCode: 0, reason: 'Completed', finishedAt: '2026-01-01T00:00:00Z' };
    assert.deepEqual(lost({ containerID: 'podman://x', state: { terminated } }), [0, 0, 'Completed']);
  });

  it('ended as the last time where it waits to be started again', () => {
    const terminated = { exitCode: 7, reason: 'Error', finishedAt: '2026-01-01T00:00:00Z' };
    const status = { containerID: 'podman://x', restartCount: 2, state: { waiting: {} }, lastState: { terminated } };
    assert.deepEqual(lost(status), [2, 7, 'Error']);
  });
});
