import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { expand, expandedCommand, expandedSubPath } from './expand.ts';

const variables: Record<string, string> = { A: '1', B: '$(A)', EMPTY: '' };
const lookup = (name: string): string | undefined => (Object.hasOwn(variables, name) ? variables[name] : undefined);

const cases: readonly (readonly [string, string])[] = [
  ['', ''],
  ['plain', 'plain'],
  ['$(A)', '1'],
  ['x$(A)y$(A)z', 'x1y1z'],
  ['$(B)', '$(A)'],
  ['$(EMPTY)', ''],
  ['$(MISSING)', '$(MISSING)'],
  ['$()', '$()'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$$', '$'],
  ['$A $ $[A]', '$A $ $[A]'],
  ['$(A', '$(A'],
  ['$(A$(A)', '$(A$(A)'],
  ['$(constructor)', '$(constructor)'],
  ['cost$', 'cost$'],
];

test('variables are filled in as Kubernetes does', async (t) => {
  for (const [text, expected] of cases)
    await t.test(text || 'nothing', () => assert.equal(expand(text, lookup), expected));
});

test('what a spec leaves to the image is left out', () => {
  assert.deepEqual(expandedCommand({ command: [], args: ['$(A)', '$(MISSING)'] }, variables), {
    args: ['1', '$(MISSING)'],
  });
});

test('a sub-path must not have holes', () => {
  assert.equal(expandedSubPath('logs/$(A)', variables), 'logs/1');
  assert.throws(
    () => expandedSubPath('$(MISSING)/$(EMPTY)', variables),
    (error) => hasCode(error, 'InvalidInput') && error.message === 'missing value for EMPTY, MISSING',
  );
});
