import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from '../../../support/errors.ts';
import { FakeClock, settle } from '../../../support/testing/fake-clock.ts';
import { fromAws } from './aws-error.ts';
import { AwsCaller } from './caller.ts';
import { TokenBucket } from './token-bucket.ts';

const { signal } = new AbortController();

function awsError(name: string, message = 'no'): Error {
  return Object.assign(new Error(message), { name });
}

describe('a token bucket', () => {
  it('gives its burst at once and the rest at its rate, first come, first served', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, clock);
    const taken: number[] = [];
    for (let index = 0; index < 7; index++) void bucket.take({ signal }).then(() => taken.push(index));
    await settle();
    assert.deepEqual(taken, [0, 1, 2]);
    await clock.advance(500);
    assert.deepEqual(taken, [0, 1, 2, 3]);
    await clock.advance(1500);
    assert.deepEqual(taken, [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(clock.pending, 0);
  });

  it('never holds more than its burst', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ burst: 2, perSecond: 1 }, clock);
    await clock.advance(3_600_000);
    assert.equal(bucket.level, 1);
    await bucket.take({ signal });
    assert.equal(bucket.level, 0.5);
  });

  it('lets go of those who have gone', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ burst: 1, perSecond: 1 }, clock);
    await bucket.take({ signal });
    const gone = new AbortController();
    const waiting = bucket.take({ signal: gone.signal });
    const next = bucket.take({ signal });
    gone.abort(new Error('gone'));
    await assert.rejects(waiting, /gone/);
    await clock.advance(1000);
    await next;
  });
});

describe('calls to AWS', () => {
  const setUp = () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ burst: 5, perSecond: 1 }, clock);
    return { clock, bucket, caller: new AwsCaller({ clock, random: () => 0 }) };
  };

  it('that are throttled are made again later, and meanwhile nobody else calls', async () => {
    const { clock, bucket, caller } = setUp();
    const answers = [awsError('ThrottlingException'), awsError('ThrottlingException'), 'done'];
    const times: number[] = [];
    const call = caller.call({ what: 'cannot', buckets: [bucket], signal }, async () => {
      times.push(clock.now());
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    });
    await settle();
    assert.equal(bucket.level, 0);
    await clock.advance(10_000);
    assert.equal(await call, 'done');
    assert.deepEqual(
      times.map((time) => time - (times[0] ?? 0)),
      [0, 1000, 2000],
    );
  });

  it('that are throttled again and again are given up, for their caller to show', async () => {
    const { clock, bucket, caller } = setUp();
    let calls = 0;
    const call = caller.call({ what: 'cannot run the task', buckets: [bucket], signal }, async () => {
      calls += 1;
      throw awsError('ThrottlingException', 'Rate exceeded');
    });
    const rejected = assert.rejects(
      call,
      (error) => hasCode(error, 'Throttled') && /cannot run the task: ThrottlingException/.test(error.message),
    );
    await clock.advance(60_000);
    await rejected;
    assert.equal(calls, 4);
  });

  it('that fail otherwise are not made again', async () => {
    const { caller } = setUp();
    let calls = 0;
    const send = async (): Promise<never> => {
      calls += 1;
      throw awsError('AccessDeniedException', 'you may not');
    };
    await assert.rejects(caller.call({ what: 'cannot', buckets: [], signal }, send), (error) =>
      hasCode(error, 'Forbidden'),
    );
    assert.equal(calls, 1);
  });
});

const meanings: readonly (readonly [string, string, string])[] = [
  ['ThrottlingException', 'Rate exceeded', 'Throttled'],
  ['TooManyRequestsException', '', 'Throttled'],
  ['CredentialsProviderError', 'Could not load credentials from any providers', 'Unauthorized'],
  ['ExpiredTokenException', '', 'Unauthorized'],
  ['AccessDeniedException', '', 'Forbidden'],
  ['ClusterNotFoundException', '', 'NotFound'],
  ['ResourceNotFoundException', '', 'NotFound'],
  ['ResourceExistsException', '', 'AlreadyExists'],
  ['ConflictException', '', 'Conflict'],
  ['ClientException', 'Unable to describe task definition.', 'InvalidInput'],
  ['InvalidParameterException', '', 'InvalidInput'],
  ['ClientException', 'You’ve reached the limit on the number of vCPUs you can run concurrently', 'Capacity'],
  ['ClientException', 'Too many concurrent attempts to create a new revision of the specified family.', 'Throttled'],
  ['ClientException', 'Rate exceeded', 'Throttled'],
  ['RequestLimitExceeded', 'Request limit exceeded.', 'Throttled'],
  ['ThrottledException', '', 'Throttled'],
  ['ClientException', 'Role is not valid', 'Unavailable'],
  ['ClientException', "ECS was unable to assume the role 'arn:aws:iam::000000000000:role/web'", 'Unavailable'],
  [
    'InvalidParameterException',
    'Unable to assume the service linked role. Please verify that the ECS service linked role exists.',
    'Unavailable',
  ],
  [
    'InvalidRequestException',
    'You can’t create this secret because a secret with this name is already scheduled for deletion.',
    'Unavailable',
  ],
  ['CredentialsProviderError', 'unable to assume role', 'Unauthorized'],
  ['AccessDeniedException', 'not authorized to create the service linked role', 'Forbidden'],
  ['ClientException', 'Invalid ‘cpu’ setting for task.', 'InvalidInput'],
  ['InternalServiceError', '', 'Unavailable'],
  ['ServiceUnavailableException', '', 'Unavailable'],
  ['ServerException', '', 'Unavailable'],
  ['TimeoutError', '', 'Unavailable'],
  ['Error', 'connect ECONNREFUSED', 'Unavailable'],
];
for (const [name, message, code] of meanings) {
  it(`${name} ${message} means ${code}`, () => assert.equal(fromAws('cannot', awsError(name, message)).code, code));
}
