/** Who sent a request, as authorization/v1 wants to know it. */
export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The API server's own group for everybody whose identity was proven. */
const authenticatedGroup = 'system:authenticated';

export function withAuthenticatedGroup(caller: Caller): Caller {
  if (caller.groups.includes(authenticatedGroup)) return caller;
  return { ...caller, groups: [...caller.groups, authenticatedGroup] };
}
