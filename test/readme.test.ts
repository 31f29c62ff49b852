import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { featureIds } from '../src/podspec/features/feature.ts';
import { featureTitles } from '../src/podspec/features/titles.ts';
import { loadProvider, providerNames } from '../src/provider/registry.ts';

const readme = new URL('../README.md', import.meta.url);
const start = '<!-- capabilities -->\n';
const end = '<!-- /capabilities -->';

/** The table of what works where, and the reasons and notes below it. */
async function capabilityTable(): Promise<string> {
  const providers = await Promise.all(
    providerNames.map(async (name) => ({ name, capabilities: (await loadProvider(name)).capabilities })),
  );
  const remarks: string[] = [];
  const cell = (text: string, remark: string | undefined): string => {
    if (remark === undefined) return text;
    if (!remarks.includes(remark)) remarks.push(remark);
    return `${text} [${remarks.indexOf(remark) + 1}]`;
  };
  const rows = featureIds.map((id) => {
    const cells = providers.map(({ capabilities }) => {
      const support = capabilities[id];
      return support.kind === 'honoured' ? cell('yes', support.note) : cell('no', support.why);
    });
    return `| ${featureTitles[id]} | ${cells.join(' | ')} |`;
  });
  return [
    `| | ${providers.map(({ name }) => name).join(' | ')} |`,
    `|---|${providers.map(() => '---|').join('')}`,
    ...rows,
    '',
    ...remarks.map((remark, index) => `[${index + 1}] ${remark}  `),
    '',
  ].join('\n');
}

test('the README’s table is what the providers declare', async () => {
  const text = readFileSync(readme, 'utf8');
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf(end);
  assert.ok(from >= start.length && to >= from, 'the README has the marks of the table');
  const table = await capabilityTable();
  if (process.env['UPDATE_GOLDEN']) writeFileSync(readme, text.slice(0, from) + table + text.slice(to));
  else assert.equal(text.slice(from, to), table, 'run UPDATE_GOLDEN=1 make unit');
});
