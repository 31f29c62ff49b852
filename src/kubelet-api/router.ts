import { CodedError } from '../support/errors.ts';
import type { Subresource } from './authorization.ts';
import type { Handler } from './call.ts';

/** One line of the table in routes.ts. */
export interface Route {
  readonly methods: readonly ('GET' | 'POST')[];
  /** Segments with a colon are parameters and have one of the names in `shapes`; a last `*` is whatever follows. */
  readonly path: string;
  /** Any one of these rights to the node opens it. */
  readonly subresources: readonly Subresource[];
  /** Its answer lasts as long as both sides want. */
  readonly longLived?: boolean;
  readonly handle: Handler;
}

export type RouteMatch =
  | {
      readonly kind: 'found';
      readonly route: Route;
      readonly parameters: Readonly<Record<string, string>>;
      readonly query: URLSearchParams;
    }
  | { readonly kind: 'wrong-method'; readonly route: Route }
  | { readonly kind: 'not-found' };

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What a parameter may look like at all, so that no path, and nothing worse than a name, comes past this file. */
const shapes: Readonly<Record<string, RegExp>> = {
  namespace: label,
  pod: /^(?!.*\.\.)[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
  container: label,
  uid: /^[A-Za-z0-9][-A-Za-z0-9]{0,62}$/,
};

/**
 * Finds the route for a request target (path and query, as sent). The path is taken as it stands: nothing is resolved,
 * and each segment is decoded by itself. Throws `InvalidInput` for a target or a parameter of no legal form.
 */
export function matchRoute(routes: readonly Route[], method: string, target: string): RouteMatch {
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (!path.startsWith('/')) throw new CodedError('InvalidInput', 'the request target is not a path');
  const segments = path.replace(/\/$/, '').slice(1).split('/').map(decodeSegment);
  let wrongMethod: Route | undefined;
  for (const route of routes) {
    const parameters = matchPath(route.path, segments);
    if (parameters === undefined) continue;
    if (route.methods.some((candidate) => candidate === method)) {
      checkShapes(parameters);
      return {
        kind: 'found',
        route,
        parameters,
        query: new URLSearchParams(queryAt < 0 ? '' : target.slice(queryAt + 1)),
      };
    }
    wrongMethod = route;
  }
  return wrongMethod === undefined ? { kind: 'not-found' } : { kind: 'wrong-method', route: wrongMethod };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new CodedError('InvalidInput', 'the request path is not correctly encoded');
  }
}

function matchPath(pattern: string, segments: readonly string[]): Record<string, string> | undefined {
  const wanted = pattern.slice(1).split('/');
  const open = wanted.at(-1) === '*';
  if (open) wanted.pop();
  if (open ? segments.length < wanted.length : segments.length !== wanted.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, want] of wanted.entries()) {
    const segment = segments[index] ?? '';
    if (want.startsWith(':')) parameters[want.slice(1)] = segment;
    else if (want !== segment) return undefined;
  }
  return parameters;
}

function checkShapes(parameters: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (!shapes[name]?.test(value)) {
      throw new CodedError('InvalidInput', `${JSON.stringify(value.slice(0, 64))} cannot be a ${name}`);
    }
  }
}
