import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientToken, firstAttempt, ownerId, taskGroup, taskIdentity } from './attempt.ts';

const uid = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const attempt = { number: 12, restarts: 7, initRestarts: 9, failures: 3 };

test('a task says whose it is and which attempt', () => {
  const identity = { ref: { namespace: 'default', name: 'web-0.example', uid }, owner: ownerId('c', 'n'), attempt };
  assert.deepEqual(taskIdentity(uid, taskGroup(identity)), identity);
});

test('a group keeps to letters, digits, hyphens, underscores and colons, 255 at most, whatever the names', () => {
  const identity = {
    ref: { namespace: 'n'.repeat(63), name: `${'a.'.repeat(126)}b`, uid },
    owner: ownerId('c', 'n'),
    attempt,
  };
  const group = taskGroup(identity);
  assert.match(group, /^[\w:-]{255}$/);
  const read = taskIdentity(uid, group);
  assert.equal(read?.ref.uid, uid);
  assert.deepEqual(read?.attempt, attempt);
});

test('tasks of others have no identity', () => {
  for (const [startedBy, group] of [
    [uid, undefined],
    [uid, 'family:nginx'],
    [undefined, taskGroup({ ref: { namespace: 'a', name: 'b', uid }, owner: 'o', attempt })],
    [uid, 'kubernetes:owner:1-2-3:default:web'],
  ] as const) {
    assert.equal(taskIdentity(startedBy, group), undefined);
  }
});

test('nodes and clusters have owners of their own, the same in each process', () => {
  const owners = [ownerId('a', 'b'), ownerId('a', 'c'), ownerId('ab', ''), ownerId('', 'ab')];
  assert.equal(new Set(owners).size, 4);
  assert.equal(ownerId('a', 'b'), owners[0]);
});

test('a client token fits into ECS’s 64 characters', () => {
  assert.equal(clientToken(uid, firstAttempt), `${uid}-0`);
  assert.ok(clientToken(uid, { ...attempt, number: 10 ** 12 }).length <= 64);
});
