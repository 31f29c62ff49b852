import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitCommand } from './split-command.ts';

const cases: readonly [line: string, words: readonly string[] | undefined][] = [
  ['/bin/sh', ['/bin/sh']],
  ['  ls  -l\t/tmp ', ['ls', '-l', '/tmp']],
  ['sh -c \'echo "a b" | wc\'', ['sh', '-c', 'echo "a b" | wc']],
  ['sh -c "echo \\"a\\" \\n"', ['sh', '-c', 'echo "a" \\n']],
  ["a'b c'd\\ e ''", ['ab cd e', '']],
  ["an 'open quote", undefined],
  ['ends with \\', undefined],
  [' ', undefined],
];
for (const [line, words] of cases) {
  test(`${JSON.stringify(line)} is ${words ? `${words.length} words` : 'no command'}`, () =>
    assert.deepEqual(splitCommand(line), words));
}
