import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod } from '../../../kubernetes/objects.ts';
import { fakeReferences } from '../../../podspec/testing/fake-references.ts';
import { hasCode } from '../../../support/errors.ts';
import { permittedAnnotation, roleAnnotation, taskRoleArn } from './task-role.ts';

const { signal } = new AbortController();
const account = { partition: 'aws', accountId: '123456789012' };

/** What a pod that asks for `role` gets in a namespace that permits `expression`. */
function roleOf(role: string, expression: string | undefined): Promise<string | undefined> {
  const pod: Pod = { metadata: { namespace: 'n', name: 'p', uid: 'u', annotations: { [roleAnnotation]: role } } };
  const annotations = expression === undefined ? {} : { [permittedAnnotation]: expression };
  const references = { ...fakeReferences({}), namespace: async () => ({ metadata: { name: 'n', annotations } }) };
  return taskRoleArn(pod, { references, account, defaultRoleArn: 'default', signal });
}

describe('a role by annotation', () => {
  const cases: readonly [expression: string | undefined, isPermitted: boolean][] = [
    ['reader', true],
    ['^team/', true],
    ['^$', false],
    [undefined, false],
    ['READER', false],
    ['(?i)READER', true],
    ['(?im)/READER$', true],
    ['(?i', false],
    ['(a+)+$', false],
  ];
  for (const [expression, isPermitted] of cases) {
    test(`is ${isPermitted ? '' : 'not '}permitted by ${expression ?? 'no expression'}`, async () => {
      const role = roleOf('team/reader', expression);
      if (isPermitted) assert.equal(await role, 'arn:aws:iam::123456789012:role/team/reader');
      else await assert.rejects(role, (error) => hasCode(error, 'Forbidden'));
    });
  }

  test('whose expression takes too long is not permitted, and nobody waits for it', async () => {
    const role = roleOf(`${'a'.repeat(40)}!`, '^(a+)+$');
    await assert.rejects(role, /no regular expression that can be used/);
  });
});
