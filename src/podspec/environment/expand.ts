import type { Container, EphemeralContainer } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>;

/**
 * Replaces each `$(NAME)` by what `lookup` gives; a name it does not know stays as it is written, `$$` is a dollar sign
 * that starts nothing. Values are not expanded again.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (written, name?: string) =>
    name === undefined ? '$' : (lookup(name) ?? written),
  );
}

/** A container's command and args with its variables filled in; absent where the spec leaves them to the image. */
export function expandedCommand(
  { command, args }: Pick<Container | EphemeralContainer, 'command' | 'args'>,
  variables: Variables,
): { readonly command?: string[]; readonly args?: string[] } {
  const fill = (text: string): string => expand(text, (name) => own(variables, name));
  return {
    ...(command && command.length > 0 && { command: command.map(fill) }),
    ...(args && args.length > 0 && { args: args.map(fill) }),
  };
}

/** A mount's `subPathExpr` with its variables filled in. Throws `InvalidInput` where one is unknown or empty. */
export function expandedSubPath(expression: string, variables: Variables): string {
  const missing = new Set<string>();
  const path = expand(expression, (name) => {
    const value = own(variables, name);
    if (!value) missing.add(name);
    return value;
  });
  if (missing.size === 0) return path;
  throw new CodedError('InvalidInput', `missing value for ${[...missing].sort().join(', ')}`, {
    reason: 'CreateContainerConfigError',
  });
}

/** Variables may be called like members of every object (`constructor`). */
export function own(variables: Variables, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}
