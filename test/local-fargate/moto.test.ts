import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeRuntime, TestFargate } from '../../src/local-fargate/testing/local-fargate.ts';
import { systemClock } from '../../src/support/clock.ts';
import { runCommand } from '../cluster/run-command.ts';
import { awsEnvironment, ensureAwsTools } from './aws-cli.ts';

interface Difference {
  readonly operation: string;
  readonly member: string;
  readonly ours: string;
  readonly moto: string;
}

/** moto's server on a port of its own choice, for as long as `use` takes. */
async function withMoto<T>(program: string, use: (endpoint: string) => Promise<T>): Promise<T> {
  const server = spawn(program, ['--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const endpoint = await new Promise<string>((resolve, reject) => {
      let said = '';
      server.once('error', reject);
      server.once('exit', () => reject(new Error(`moto's server ended: ${said}`)));
      server.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const match = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said);
        if (match?.[1] !== undefined) resolve(match[1]);
      });
    });
    return await use(endpoint);
  } finally {
    server.kill();
  }
}

/** The rows of the table in the documentation. */
function documented(): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/local-fargate.md'), 'utf8');
  const table = page.slice(page.indexOf('| operations | member |')).split('\n').slice(2);
  return table
    .filter((line) => line.startsWith('|'))
    .flatMap((line) => {
      const [operations = '', member = '', ours = '', moto = ''] = line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim());
      return operations.split(', ').map((operation) => words({ operation, member, ours, moto }));
    })
    .sort();
}

function words({ operation, member, ours, moto }: Difference): string {
  return `${operation} ${member}: ours ${ours}, moto ${moto}`;
}

test('moto’s server and ours agree, but for what the documentation says', async () => {
  const { python, motoServer } = await ensureAwsTools();
  // moto's account.
  const options = { accountId: '123456789012' };
  await using fargate = await new TestFargate(fakeRuntime(systemClock), { options }).start();
  const printed = await withMoto(motoServer, (moto) =>
    runCommand([python, join(import.meta.dirname, 'moto_compare.py'), fargate.endpoint, moto], {
      env: awsEnvironment(fargate.endpoint),
    }),
  );
  const differences = JSON.parse(printed) as Difference[];
  assert.deepEqual(differences.map(words).sort(), documented());
});
