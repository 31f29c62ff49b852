import { parseQuantity, type Quantity } from './quantity.ts';

/** Amounts by resource name. */
export type ResourceAmounts = ReadonlyMap<string, Quantity>;

/** Reads `requests` or `limits` of a spec. Throws `InvalidInput` for what is no quantity. */
export function resourceAmounts(list: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  return new Map(Object.entries(list ?? {}).map(([name, text]) => [name, parseQuantity(text)]));
}

/** Each resource of either list, added up. */
export function sumOf(left: ResourceAmounts, right: ResourceAmounts): ResourceAmounts {
  return combine(left, right, (a, b) => a + b);
}

/** Each resource of either list, the larger amount of it. */
export function largerOf(left: ResourceAmounts, right: ResourceAmounts): ResourceAmounts {
  // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
  return combine(left, right, (a, b) => (a > b ? a : b));
}

function combine(
  left: ResourceAmounts,
  right: ResourceAmounts,
  choose: (a: Quantity, b: Quantity) => Quantity,
): ResourceAmounts {
  const result = new Map(left);
  for (const [name, amount] of right) {
    const other = result.get(name);
    result.set(name, other === undefined ? amount : choose(other, amount));
  }
  return result;
}
