/** Whose account and where: what every ARN begins with. */
export interface Account {
  readonly accountId: string;
  readonly region: string;
}

export function arnOf(account: Account, service: string, resource: string): string {
  return `arn:aws:${service}:${account.region}:${account.accountId}:${resource}`;
}

export function clusterArn(account: Account, name: string): string {
  return arnOf(account, 'ecs', `cluster/${name}`);
}

export function taskArn(account: Account, cluster: string, id: string): string {
  return arnOf(account, 'ecs', `task/${cluster}/${id}`);
}

export function definitionArn(account: Account, family: string, revision: number): string {
  return arnOf(account, 'ecs', `task-definition/${family}:${revision}`);
}

/** What stands after the last of `kind/` in an ARN, or the text itself where it is no ARN. */
export function nameOf(arnOrName: string, kind: string): string {
  const at = arnOrName.indexOf(`:${kind}/`);
  return arnOrName.startsWith('arn:') && at >= 0 ? arnOrName.slice(at + kind.length + 2) : arnOrName;
}
