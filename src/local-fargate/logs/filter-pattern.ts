import { AwsError } from '../protocol/aws-error.ts';

interface Term {
  readonly kind: 'must' | 'may' | 'not';
  readonly matches: (message: string) => boolean;
}

/**
 * Whether a message fits a filter pattern of unstructured text: `a b` has both, `?a ?b` either, `-a` excludes, quotes
 * hold a phrase together, `%…%` is a regular expression. Throws `InvalidParameterException` for JSON and column patterns.
 */
export function compilePattern(pattern: string): (message: string) => boolean {
  const trimmed = pattern.trim();
  if (trimmed === '') return () => true;
  if (/^[{[]/.test(trimmed)) {
    throw new AwsError(
      'InvalidParameterException',
      'Invalid filter pattern: local Fargate knows patterns of plain terms, not of JSON or columns.',
    );
  }
  const terms = [...trimmed.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|(\S+))/g)].map(readTerm);
  const may = terms.filter(({ kind }) => kind === 'may');
  return (message) =>
    terms.every(({ kind, matches }) => kind === 'may' || matches(message) === (kind === 'must')) &&
    (may.length === 0 || may.some(({ matches }) => matches(message)));
}

function readTerm([, sign, quoted, expression, word]: RegExpMatchArray): Term {
  const kind = sign === '?' ? 'may' : sign === '-' ? 'not' : 'must';
  if (expression !== undefined) {
    const regex = regexOf(expression);
    return { kind, matches: (message) => regex.test(message) };
  }
  const text = quoted?.replaceAll(/\\(.)/g, '$1') ?? word ?? '';
  return { kind, matches: (message) => message.includes(text) };
}

function regexOf(expression: string): RegExp {
  try {
    return new RegExp(expression);
  } catch (cause) {
    throw new AwsError(
      'InvalidParameterException',
      `Invalid regular expression in the filter pattern: ${String(cause)}`,
    );
  }
}
