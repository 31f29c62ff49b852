import { AwsError } from './aws-error.ts';

export interface PageRequest {
  readonly nextToken?: string | undefined;
  readonly maxResults?: number | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

/**
 * One page of `items`, which come in the order of the page tokens; a token names the last item that was given, so that
 * pages stay right while items come and go. Throws `InvalidParameterException` for a token that is not ours.
 */
export function paginate<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { nextToken, maxResults = 100 }: PageRequest,
): Page<T> {
  let start = 0;
  if (nextToken !== undefined) {
    const last = Buffer.from(nextToken, 'base64url').toString('utf8');
    const index = items.findIndex((item) => keyOf(item) === last);
    if (index < 0) throw new AwsError('InvalidParameterException', 'Invalid token.');
    start = index + 1;
  }
  const page = items.slice(start, start + maxResults);
  const lastItem = page.at(-1);
  if (lastItem === undefined || start + page.length >= items.length) return { items: page };
  return { items: page, nextToken: Buffer.from(keyOf(lastItem)).toString('base64url') };
}
