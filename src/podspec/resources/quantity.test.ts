import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { divideRoundingUp, formatQuantity, milliUnits, parseQuantity, wholeUnits } from './quantity.ts';

const nano = 1_000_000_000n;

const parsed: readonly (readonly [string | number, bigint])[] = [
  ['0', 0n],
  ['1', nano],
  [2, 2n * nano],
  ['100m', nano / 10n],
  ['0.5', nano / 2n],
  ['.5', nano / 2n],
  ['5.', 5n * nano],
  ['+3', 3n * nano],
  ['-1500m', (-3n * nano) / 2n],
  ['1n', 1n],
  ['1u', 1000n],
  ['1k', 1000n * nano],
  ['1E', 10n ** 18n * nano],
  ['1Ki', 1024n * nano],
  ['1.5Gi', 3n * 2n ** 29n * nano],
  ['2Ei', 2n ** 61n * nano],
  ['1e3', 1000n * nano],
  ['1E3', 1000n * nano],
  ['1e-3', nano / 1000n],
  ['12.5e-1', 1_250_000_000n],
  ['0.0000000001', 1n],
];

test('a quantity is read exactly', async (t) => {
  for (const [text, expected] of parsed) {
    await t.test(`${text}`, () => assert.equal(parseQuantity(text), expected));
  }
});

test('what is no quantity is refused by its text', () => {
  for (const text of ['', '.', 'm', '1 Gi', '1K', '1gi', '1e', '0x10', '1Gi1', '--1', '1e99999999']) {
    assert.throws(
      () => parseQuantity(text),
      (error) => hasCode(error, 'InvalidInput') && error.message.includes(`"${text}"`),
      text,
    );
  }
});

test('fractions are rounded up, away from zero', () => {
  assert.equal(wholeUnits(parseQuantity('1500m')), 2);
  assert.equal(wholeUnits(parseQuantity('-1500m')), -2);
  assert.equal(milliUnits(parseQuantity('0.0001')), 1);
  assert.equal(milliUnits(parseQuantity('250m')), 250);
  assert.equal(divideRoundingUp(parseQuantity('1Gi'), parseQuantity('1Mi')), 1024n);
  assert.equal(divideRoundingUp(parseQuantity('1100m'), parseQuantity('1')), 2n);
});

test('a quantity is written as Kubernetes writes it', () => {
  const cases: readonly (readonly [string, 'decimal' | 'binary', string])[] = [
    ['0', 'binary', '0'],
    ['1.5', 'decimal', '1500m'],
    ['2000m', 'decimal', '2'],
    ['1e6', 'decimal', '1M'],
    ['1.5Gi', 'binary', '1536Mi'],
    ['1Gi', 'binary', '1Gi'],
    ['1000', 'binary', '1k'],
    ['-2048', 'binary', '-2Ki'],
  ];
  for (const [text, format, expected] of cases) assert.equal(formatQuantity(parseQuantity(text), format), expected);
});
