import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Container } from '../../../kubernetes/objects.ts';
import { FakeClock } from '../../../support/testing/fake-clock.ts';
import { firstAttempt } from '../attempt.ts';
import { readTask } from '../ecs/ecs-task.ts';
import { PodBook } from './pod-book.ts';
import { createRecord } from './pod-record.ts';

const plain: Container = { name: 'a', image: 'busybox' };
const probed: Container = { ...plain, livenessProbe: { exec: { command: ['check'] } } };
const sidecar = { restartPolicy: 'Always' };

const cases: readonly (readonly [string, readonly Container[], readonly Container[], boolean])[] = [
  ['nothing is checked by a command', [], [plain], false],
  ['a container is', [], [probed], true],
  ['a sidecar is', [{ ...probed, ...sidecar, name: 'proxy' }], [plain], true],
];
for (const [what, initContainers, containers, expected] of cases) {
  it(`health is ${expected ? '' : 'not '}watched beside events where ${what}`, () => {
    const book = new PodBook({ clock: new FakeClock(), onChange: () => {} });
    const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };
    const task = readTask({ taskArn: 'arn:aws:ecs:us-east-1:0:task/default/1', lastStatus: 'RUNNING' });
    const spec = { initContainers: [...initContainers], containers: [...containers] };
    book.add({ ...createRecord(ref, firstAttempt, 0), pod: { metadata: { ...ref }, spec }, task });
    assert.deepEqual(
      [...book.watched()].map(({ needsHealth }) => needsHealth),
      [expected],
    );
  });
}
