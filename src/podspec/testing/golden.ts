import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/**
 * One test for each `<name>.input.json` in `folder`: what `transform` makes of it must be `<name>.output.json`.
 * With UPDATE_GOLDEN=1 in the environment the outputs are written instead; the diff is then for a reviewer to read.
 */
export function goldenTests<Input>(folder: string, transform: (input: Input) => unknown): void {
  const names = readdirSync(folder).flatMap((file) => /^(.*)\.input\.json$/.exec(file)?.[1] ?? []);
  for (const name of names) {
    test(name.replaceAll('-', ' '), async () => {
      const input = JSON.parse(readFileSync(join(folder, `${name}.input.json`), 'utf8')) as Input;
      const outputFile = join(folder, `${name}.output.json`);
      const actual = `${JSON.stringify(await transform(input), null, 2)}\n`;
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(outputFile, actual);
      assert.ok(existsSync(outputFile), `${outputFile} is missing: run once with UPDATE_GOLDEN=1 and review it`);
      assert.equal(actual, readFileSync(outputFile, 'utf8'));
    });
  }
}
