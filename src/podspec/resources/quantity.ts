import { CodedError } from '../../support/errors.ts';

/** An amount of a resource in billionths of its unit (cores, bytes, things): the finest step Kubernetes knows. */
export type Quantity = bigint;

const nano = 1_000_000_000n;

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

/** Numerator of each suffix in billionths. */
const nanosOf: ReadonlyMap<string, bigint> = new Map([
  ...decimalSuffixes.map((suffix, index) => [suffix, 1000n ** BigInt(index)] as const),
  ...binarySuffixes.slice(1).map((suffix, index) => [suffix, nano * 1024n ** BigInt(index + 1)] as const),
]);

const syntax = /^([+-]?)(\d*)(?:\.(\d*))?(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$/;

/** Exponents past these are no amount of anything, and a large one would only burn memory. */
const largestExponent = 30;

/**
 * Reads a quantity as Kubernetes writes it: `100m`, `1.5`, `2Gi`, `1e3`. Exact to a billionth; anything finer is
 * rounded away from zero, as apimachinery's `resource.Quantity` does. Throws `InvalidInput` for anything else.
 */
export function parseQuantity(text: string | number): Quantity {
  const match = syntax.exec(String(text).trim());
  const [, sign = '', whole = '', fraction = '', suffix = '', exponent] = match ?? [];
  const power = exponent === undefined ? 0 : Number(exponent);
  if (!match || whole + fraction === '' || Math.abs(power) > largestExponent) {
    throw new CodedError('InvalidInput', `"${text}" is not a quantity; write for example 100m, 0.5, 2Gi or 1e3`);
  }
  const scale = nanosOf.get(suffix) ?? nano;
  let numerator = BigInt(whole + fraction) * scale;
  let denominator = 10n ** BigInt(fraction.length);
  if (power >= 0) numerator *= 10n ** BigInt(power);
  else denominator *= 10n ** BigInt(-power);
  const magnitude = ceilingDivide(numerator, denominator);
  return sign === '-' ? -magnitude : magnitude;
}

/** Whole units, fractions rounded up: bytes of memory, cores. */
export function wholeUnits(quantity: Quantity): number {
  return Number(roundUp(quantity, nano));
}

/** Thousandths, finer fractions rounded up: milli-CPU. */
export function milliUnits(quantity: Quantity): number {
  return Number(roundUp(quantity, nano / 1000n));
}

/** `quantity / divisor`, rounded up to a whole number, as the downward API's resource fields are. */
export function divideRoundingUp(quantity: Quantity, divisor: Quantity): bigint {
  return roundUp(quantity, divisor);
}

/**
 * Writes a quantity in the form Kubernetes gives it: the largest suffix that needs no fraction. `binary` prefers
 * Ki, Mi, … (memory, storage) where the amount is a multiple of them.
 */
export function formatQuantity(quantity: Quantity, format: 'decimal' | 'binary' = 'decimal'): string {
  if (quantity === 0n) return '0';
  if (format === 'binary' && quantity % (nano * 1024n) === 0n) return withLargestSuffix(quantity, binarySuffixes);
  return withLargestSuffix(quantity, decimalSuffixes);
}

function withLargestSuffix(quantity: Quantity, suffixes: readonly string[]): string {
  const suffix = suffixes.findLast((each) => quantity % (nanosOf.get(each) ?? nano) === 0n) ?? 'n';
  return `${quantity / (nanosOf.get(suffix) ?? nano)}${suffix}`;
}

function roundUp(value: bigint, unit: bigint): bigint {
  return value < 0n ? -ceilingDivide(-value, unit) : ceilingDivide(value, unit);
}

/** Of non-negative numbers. */
function ceilingDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}
