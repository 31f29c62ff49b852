import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

const clock = new FakeClock();
const fargate = await new TestFargate(fakeRuntime(clock), { clock }).start();
test.after(() => fargate[Symbol.asyncDispose]());
const ok = (operation: string, input: object) => fargate.ok('secretsmanager', operation, input);
const refusal = (operation: string, input: object) => fargate.refusal('secretsmanager', operation, input);

test('versions carry labels, and the former one stays as AWSPREVIOUS', async () => {
  const { ARN, VersionId: first } = await ok('CreateSecret', { Name: 'a/b', SecretString: 'one' });
  const { VersionId: second } = await ok('PutSecretValue', { SecretId: 'a/b', SecretString: 'two' });
  await ok('PutSecretValue', { SecretId: 'a/b', SecretString: 'three' });
  assert.equal((await ok('GetSecretValue', { SecretId: ARN }))['SecretString'], 'three');
  const previous = await ok('GetSecretValue', { SecretId: 'a/b', VersionStage: 'AWSPREVIOUS' });
  assert.deepEqual([previous['SecretString'], previous['VersionId']], ['two', second]);
  assert.match(
    await refusal('GetSecretValue', { SecretId: 'a/b', VersionId: first }),
    /^ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId/,
  );
  const { VersionIdsToStages } = await ok('DescribeSecret', { SecretId: 'a/b' });
  assert.deepEqual(Object.values(VersionIdsToStages as object), [['AWSPREVIOUS'], ['AWSCURRENT']]);
});

test('a secret is found by its ARN without the last characters too', async () => {
  const { ARN } = await ok('CreateSecret', { Name: 'partial', SecretString: 'x' });
  const partial = String(ARN).replace(/-.{6}$/, '');
  assert.equal((await ok('GetSecretValue', { SecretId: partial }))['ARN'], ARN);
  assert.match(await refusal('GetSecretValue', { SecretId: `${partial}-AAAAAA` }), /^ResourceNotFoundException/);
});

test('a token makes a version once', async () => {
  const ClientRequestToken = 'x'.repeat(32);
  const create = { Name: 'token', SecretString: 'x', ClientRequestToken };
  assert.deepEqual(await ok('CreateSecret', create), await ok('CreateSecret', create));
  assert.match(await refusal('CreateSecret', { ...create, SecretString: 'y' }), /^ResourceExistsException/);
  assert.match(await refusal('CreateSecret', { Name: 'token', SecretString: 'x' }), /^ResourceExistsException/);
});

test('a deleted secret can be restored while its window is open', async () => {
  await ok('CreateSecret', { Name: 'gone', SecretString: 'x' });
  await ok('DeleteSecret', { SecretId: 'gone', RecoveryWindowInDays: 7 });
  assert.match(
    await refusal('GetSecretValue', { SecretId: 'gone' }),
    /^InvalidRequestException: .*marked for deletion/,
  );
  assert.match(await refusal('CreateSecret', { Name: 'gone' }), /^InvalidRequestException: .*scheduled for deletion/);
  await ok('RestoreSecret', { SecretId: 'gone' });
  assert.equal((await ok('GetSecretValue', { SecretId: 'gone' }))['SecretString'], 'x');
  await ok('DeleteSecret', { SecretId: 'gone', RecoveryWindowInDays: 7 });
  await clock.advance(7 * 86_400_000);
  assert.match(await refusal('RestoreSecret', { SecretId: 'gone' }), /^ResourceNotFoundException/);
  await ok('CreateSecret', { Name: 'gone', SecretString: 'new' });
  await ok('DeleteSecret', { SecretId: 'gone', ForceDeleteWithoutRecovery: true });
  await ok('CreateSecret', { Name: 'gone', SecretString: 'again' });
});

test('secrets are listed by name and tag', async () => {
  await ok('CreateSecret', { Name: 'list/1', SecretString: 'x', Tags: [{ Key: 'owner', Value: 'me' }] });
  await ok('CreateSecret', { Name: 'list/2', SecretString: 'x' });
  await ok('TagResource', { SecretId: 'list/2', Tags: [{ Key: 'owner', Value: 'you' }] });
  const names = async (...Filters: readonly object[]) =>
    ((await ok('ListSecrets', { Filters, SortOrder: 'asc' }))['SecretList'] as { Name: string }[]).map((it) => it.Name);
  assert.deepEqual(await names({ Key: 'name', Values: ['list/'] }), ['list/1', 'list/2']);
  assert.deepEqual(await names({ Key: 'tag-key', Values: ['owner'] }, { Key: 'tag-value', Values: ['you'] }), [
    'list/2',
  ]);
});

test('values of secure parameters are told to those who decrypt', async () => {
  await fargate.ok('ssm', 'PutParameter', { Name: '/a/b', Value: 'v', Type: 'SecureString' });
  assert.match(
    await fargate.refusal('ssm', 'PutParameter', { Name: '/a/b', Value: 'w', Type: 'SecureString' }),
    /^ParameterAlreadyExists/,
  );
  const value = async (WithDecryption: boolean) =>
    ((await fargate.ok('ssm', 'GetParameter', { Name: '/a/b', WithDecryption }))['Parameter'] as { Value: string })
      .Value;
  assert.notEqual(await value(false), 'v');
  assert.equal(await value(true), 'v');
  assert.deepEqual((await fargate.ok('ssm', 'GetParameters', { Names: ['/a/b', '/none'] }))['InvalidParameters'], [
    '/none',
  ]);
  await fargate.ok('ssm', 'DeleteParameter', { Name: '/a/b' });
  assert.match(await fargate.refusal('ssm', 'GetParameter', { Name: '/a/b' }), /^ParameterNotFound/);
});
