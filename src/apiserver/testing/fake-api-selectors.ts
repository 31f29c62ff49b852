/** Whether an object matches a selector as the API server reads it from a query. */
export type Matcher = (object: object) => boolean;

const everything: Matcher = () => true;

/** `metadata.name=x,spec.nodeName!=y`: any path into the object; an absent field counts as ''. */
export function fieldMatcher(selector: string | undefined): Matcher {
  if (!selector) return everything;
  const terms = selector.split(',').map((term) => {
    const [, path = '', operator = '=', value = ''] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
    const steps = path.split('.');
    return (object: object): boolean => {
      const found = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], object);
      return (String(found ?? '') === value) === (operator !== '!=');
    };
  });
  return (object) => terms.every((term) => term(object));
}

/** `a=b,c!=d,e,!f,g in (h,i),j notin (k)`. */
export function labelMatcher(selector: string | undefined): Matcher {
  if (!selector) return everything;
  const terms = (selector.match(/(?:[^,(]|\([^)]*\))+/g) ?? []).map((term) => labelTerm(term.trim()));
  return (object) => {
    const labels = (object as { metadata?: { labels?: Record<string, string> } }).metadata?.labels ?? {};
    return terms.every((term) => term(labels));
  };
}

function labelTerm(term: string): (labels: Record<string, string>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (labels) => (key in labels && values.has(labels[key] ?? '')) === (operator === 'in');
  }
  const equality = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  return term.startsWith('!') ? (labels) => !(term.slice(1) in labels) : (labels) => term in labels;
}
