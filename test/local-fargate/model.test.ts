import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fakeRuntime, TestFargate } from '../../src/local-fargate/testing/local-fargate.ts';
import { systemClock } from '../../src/support/clock.ts';
import { runCommand } from '../cluster/run-command.ts';
import { awsEnvironment, ensureAwsTools } from './aws-cli.ts';

test('each operation answers as botocore’s model of AWS has it, with no member that it does not know', async () => {
  const { python } = await ensureAwsTools();
  await using fargate = await new TestFargate(fakeRuntime(systemClock), {}).start();
  const script = join(import.meta.dirname, 'model_check.py');
  const printed = await runCommand([python, script], { env: awsEnvironment(fargate.endpoint) });
  const { called, problems } = JSON.parse(printed) as { called: string[]; problems: string[] };
  assert.deepEqual(problems, []);
  const { body: operations } = await fargate.admin('GET', 'calls');
  assert.deepEqual(called, Object.keys(operations).sort(), 'every operation that there is has been called');
});
