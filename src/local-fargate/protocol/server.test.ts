import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { hasCode } from '../../support/errors.ts';
import { credential, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

const fargate = await new TestFargate(fakeRuntime(systemClock), {}).start();
test.after(() => fargate[Symbol.asyncDispose]());

async function post(headers: Readonly<Record<string, string>>, body: string): Promise<readonly [number, string]> {
  const response = await fetch(fargate.endpoint, { method: 'POST', headers, body });
  return [response.status, await response.text()];
}

const target = { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.ListClusters' };
const form = { 'content-type': 'application/x-www-form-urlencoded', authorization: credential('sts') };

for (const [name, headers, body, status, answer] of [
  ['a call without credentials', target, '{}', 403, /MissingAuthenticationTokenException/],
  [
    'a call for another region',
    { ...target, authorization: credential('ecs', 'eu-west-1') },
    '{}',
    403,
    /is us-east-1, the request is for eu-west-1/,
  ],
  [
    'an operation that there is not',
    { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.CreateService' },
    '{}',
    400,
    /UnknownOperationException.*CreateService/,
  ],
  ['a body that is no JSON', { ...target, authorization: credential('ecs') }, '{', 400, /SerializationException/],
  [
    'a member of another type',
    { ...target, authorization: credential('ecs') },
    '{"maxResults":"x"}',
    400,
    /InvalidParameterException.*maxResults/,
  ],
  [
    'a body that is too large',
    { ...target, authorization: credential('ecs') },
    'x'.repeat(5_000_000),
    413,
    /RequestEntityTooLarge/,
  ],
  ['an action that there is not', form, 'Action=AssumeRole&Version=2011-06-15', 400, /<Code>InvalidAction<\/Code>/],
] as const) {
  test(`${name} is refused`, async () => {
    const [status_, text] = await post(headers, body);
    assert.equal(status_, status);
    assert.match(text, answer);
  });
}

test('who one is comes as XML', async () => {
  const [status, text] = await post(form, 'Action=GetCallerIdentity&Version=2011-06-15');
  assert.equal(status, 200);
  assert.match(text, /<GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root<\/Arn>/);
});

test('a second server on the same state, or the same port, is refused', async () => {
  const port = Number(new URL(fargate.endpoint).port);
  const samePort = new TestFargate(fakeRuntime(systemClock), { options: { port } });
  await assert.rejects(
    samePort.start(),
    (error) => hasCode(error, 'InvalidInput') && /cannot serve on/.test(error.message),
  );
  const sameState = new TestFargate(fakeRuntime(systemClock), { options: { stateDir: fargate.stateDir } });
  await assert.rejects(
    sameState.start(),
    (error) => hasCode(error, 'InvalidInput') && /another local Fargate/.test(error.message),
  );
});
