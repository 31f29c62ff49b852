import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from './run-command.ts';
import { quote } from './wrapper-scripts.ts';

for (const word of ['plain', '/a/path:/b', 'two words', "it's", '$HOME `id` "x" \\', '']) {
  test(`a shell reads ${JSON.stringify(word)} as one word`, async () => {
    assert.equal(await runCommand(['sh', '-c', `printf %s ${quote(word)}`]), word);
  });
}
