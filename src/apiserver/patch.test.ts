import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Random, seededRandom } from '../support/random.ts';
import { mergePatch, strategicPatch } from './patch.ts';
import { applyPatch } from './testing/fake-api-patch.ts';

describe('mergePatch', () => {
  for (const [name, from, to, patch] of [
    ['is undefined for equal objects', { a: { b: [1] } }, { a: { b: [1] } }, undefined],
    ['takes undefined for absent', { a: 1 }, { a: 1, b: undefined }, undefined],
    ['says only what differs', { a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1, c: 4 }, d: 3 }, { a: { c: 4 } }],
    ['takes out with null', { a: { b: 1, c: 2 } }, { a: { c: 2 } }, { a: { b: null } }],
    ['replaces lists', { a: [1, 2] }, { a: [1] }, { a: [1] }],
    ['replaces an object by a value', { a: { b: 1 } }, { a: 1 }, { a: 1 }],
  ] as const) {
    it(name, () => assert.deepEqual(mergePatch(from, to), patch));
  }

  for (const seed of [1, 2, 3]) {
    it(`makes the one of the other, as the API server applies it (seed ${seed})`, () => {
      const random = seededRandom(seed);
      for (let round = 0; round < 300; round++) {
        const from = randomObject(random, 3);
        const to = randomObject(random, 3);
        assert.deepEqual(applyPatch('merge', from, mergePatch(from, to) ?? {}), to);
      }
    });
  }
});

describe('strategicPatch', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'x' };
  const scheduled = { type: 'PodScheduled', status: 'True' };

  for (const [name, from, to, patch] of [
    ['is undefined for equal objects', { conditions: [ready] }, { conditions: [ready] }, undefined],
    [
      'does not mind the order of conditions',
      { conditions: [ready, scheduled] },
      { conditions: [scheduled, ready] },
      undefined,
    ],
    [
      'says only the condition that differs, by its type',
      { conditions: [scheduled, ready] },
      { conditions: [scheduled, { type: 'Ready', status: 'False' }] },
      { conditions: [{ type: 'Ready', status: 'False', reason: null }] },
    ],
    ['adds a condition', { conditions: [ready] }, { conditions: [ready, scheduled] }, { conditions: [scheduled] }],
    ['adds the first conditions', {}, { conditions: [ready] }, { conditions: [ready] }],
    [
      'takes out a condition by name',
      { conditions: [ready, scheduled] },
      { conditions: [ready] },
      { conditions: [{ $patch: 'delete', type: 'PodScheduled' }] },
    ],
    [
      'replaces addresses, which may have one type twice',
      { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
      {
        addresses: [
          { type: 'InternalIP', address: '10.0.0.2' },
          { type: 'InternalIP', address: 'fd00::1' },
        ],
      },
      {
        addresses: [
          { type: 'InternalIP', address: '10.0.0.2' },
          { type: 'InternalIP', address: 'fd00::1' },
          { $patch: 'replace' },
        ],
      },
    ],
  ] as const) {
    it(name, () => {
      const made = strategicPatch(from, to);
      assert.deepEqual(made, patch);
    });
  }

  it('leaves conditions of others alone', () => {
    const patch = strategicPatch({ conditions: [ready] }, { conditions: [{ ...ready, status: 'False' }] });
    const others = { type: 'example.com/gate', status: 'True' };
    assert.deepEqual(applyPatch('strategic', { conditions: [others, ready] }, patch), {
      conditions: [others, { ...ready, status: 'False' }],
    });
  });

  for (const seed of [1, 2, 3]) {
    it(`makes the one of the other, as the API server applies it (seed ${seed})`, () => {
      const random = seededRandom(seed);
      const status = () => ({
        ...randomObject(random, 2),
        conditions: ['A', 'B', 'C'].filter(() => random() < 0.6).map((type) => ({ type, ...randomObject(random, 1) })),
        podIPs: ['1', '2', '3'].filter(() => random() < 0.5).map((ip) => ({ ip })),
      });
      for (let round = 0; round < 300; round++) {
        const from = status();
        const to = status();
        const patched = applyPatch('strategic', from, strategicPatch(from, to) ?? {}) as ReturnType<typeof status>;
        const byType = ({ conditions }: ReturnType<typeof status>) =>
          conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1));
        assert.deepEqual({ ...patched, conditions: byType(patched) }, { ...to, conditions: byType(to) });
      }
    });
  }
});

function randomObject(random: Random, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const field of ['a', 'b', 'c']) {
    const chance = random();
    if (chance < 0.3 && depth > 1) object[field] = randomObject(random, depth - 1);
    else if (chance < 0.5) object[field] = Math.floor(random() * 3);
    else if (chance < 0.7) object[field] = [Math.floor(random() * 3)];
  }
  return object;
}
