import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import type { Lease } from '../kubernetes/objects.ts';
import { holderAnnotation, isFree, isProcessAlive, type LeaseHolder, thisProcess } from './lease-holder.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const self: LeaseHolder = { id: 'self', host: 'here', pid: 10, since: '2026-01-01T00:00:00Z' };

function leaseOf(holder: Partial<LeaseHolder> | string | undefined, renewedAgoSeconds: number): Lease {
  const text = typeof holder === 'object' ? JSON.stringify({ ...self, id: 'other', pid: 11, ...holder }) : holder;
  return {
    metadata: { annotations: text === undefined ? {} : { [holderAnnotation]: text } },
    spec: {
      holderIdentity: 'vk',
      leaseDurationSeconds: 40,
      renewTime: new Date(nowMs - renewedAgoSeconds * 1000).toISOString(),
    },
  };
}

describe('a lease is taken', () => {
  const alive = (): boolean => true;
  for (const [when, lease, isAlive, expected] of [
    ['at once where there is none', undefined, alive, true],
    ['at once after its holder has let go', leaseOf('', 1), alive, true],
    ['at once when it has run out', leaseOf({ host: 'there' }, 41), alive, true],
    ['at once from ourselves', leaseOf({ id: 'self', host: 'there' }, 1), alive, true],
    ['at once from a process of this machine that has died', leaseOf({}, 1), () => false, true],
    ['at once from one that had the pid which is ours now', leaseOf({ pid: 10 }, 1), alive, true],
    ['not at once from a process of this machine that may live', leaseOf({}, 1), alive, false],
    ['not at once from a process elsewhere', leaseOf({ host: 'there' }, 1), () => false, false],
    ['not at once from a kubelet', leaseOf(undefined, 1), alive, false],
    ['not at once where the annotation is spoilt', leaseOf('{{', 1), alive, false],
  ] as const) {
    it(when, () => {
      assert.equal(isFree({ lease, self, nowMs, isAlive }), expected);
    });
  }

  it('not at once from a machine of the same host name whose pid is not ours', {
    skip: process.platform !== 'linux',
  }, () => {
    const here = thisProcess('2026-01-01T00:00:00Z');
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    assert.ok(here.host.startsWith(hostname()) && here.host.includes(bootId) && here.host.endsWith(namespace));
    assert.equal(thisProcess('').host, here.host, 'two processes of one machine are of one place');
    const otherMachine = here.host.replace(bootId, '7d3f2c1a-0000-4000-8000-000000000000');
    for (const [host, expected] of [
      [here.host, true],
      [otherMachine, false],
      [`${hostname()}/${namespace}`, false],
    ] as const) {
      const lease = leaseOf({ host, pid: here.pid }, 1);
      assert.equal(isFree({ lease, self: here, nowMs, isAlive: () => false }), expected, host);
    }
  });

  it('and a process knows itself to be alive', () => {
    assert.equal(isProcessAlive(thisProcess('').pid), true);
    assert.equal(isProcessAlive(2 ** 22 + 1), false);
  });
});
