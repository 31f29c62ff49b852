import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../kubernetes/objects.ts';
import { shouldRestart } from './containers.ts';

test('restart rules, then the container’s policy, then the pod’s decide about a restart', () => {
  const rule = (operator: string, ...values: number[]): Partial<Container> => ({
    restartPolicy: 'Never',
    restartPolicyRules: [{ action: 'Restart', exitCodes: { operator, values } }],
  });
  const cases: readonly (readonly [string | undefined, Partial<Container>, number, boolean])[] = [
    [undefined, {}, 0, true],
    ['Always', {}, 0, true],
    ['OnFailure', {}, 0, false],
    ['OnFailure', {}, 1, true],
    ['Never', {}, 1, false],
    ['Never', { restartPolicy: 'Always' }, 1, true],
    ['Always', { restartPolicy: 'OnFailure' }, 0, false],
    ['Always', rule('In', 42), 42, true],
    ['Always', rule('In', 42), 1, false],
    ['Always', rule('NotIn', 42), 1, true],
  ];
  for (const [restartPolicy, rest, exitCode, expected] of cases) {
    const pod: Pod = { spec: { containers: [], ...(restartPolicy && { restartPolicy }) } };
    const container: Container = { name: 'c', image: 'x', ...rest };
    assert.equal(shouldRestart(pod, container, exitCode), expected, `${restartPolicy} ${exitCode}`);
  }
});
