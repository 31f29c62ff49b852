import { runInNewContext } from 'node:vm';
import type { Pod } from '../../../kubernetes/objects.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { CodedError } from '../../../support/errors.ts';

/** On a pod: the role of its task, by name or ARN, as kube2iam, kiam and the Go provider have it. */
export const roleAnnotation = 'iam.amazonaws.com/role';
/** On a namespace: which roles its pods may ask for, a regular expression (kiam). */
export const permittedAnnotation = 'iam.amazonaws.com/permitted';
/** On a service account: the role of its pods (EKS). */
const serviceAccountAnnotation = 'eks.amazonaws.com/role-arn';

/** Whose roles a bare name means. */
export interface RoleAccount {
  /** `aws`, `aws-cn`, … */
  readonly partition: string;
  readonly accountId: string;
}

/** An expression has so long; one that backtracks without end must not stand still the whole node. */
const matchTimeoutMs = 100;

/**
 * The role whose credentials a pod's containers get: the pod's annotation where its namespace permits it (kiam's rule:
 * no expression, no role), else its service account's, else the default. `Forbidden` where the namespace does not permit
 * it; that may change, so it is tried again.
 */
export async function taskRoleArn(
  pod: Pod,
  {
    references,
    account,
    defaultRoleArn,
    signal,
  }: {
    readonly references: PodReferences;
    readonly account: RoleAccount;
    readonly defaultRoleArn: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { namespace = '', annotations = {} } = pod.metadata ?? {};
  const asked = annotations[roleAnnotation];
  if (asked) {
    const expression = (await references.namespace?.(namespace, { signal }))?.metadata?.annotations?.[
      permittedAnnotation
    ];
    checkPermitted(asked, expression, namespace);
    return roleArn(asked, account);
  }
  const name = pod.spec?.serviceAccountName || 'default';
  const serviceAccount = await references.serviceAccount?.(namespace, name, { signal });
  return serviceAccount?.metadata?.annotations?.[serviceAccountAnnotation] || defaultRoleArn;
}

function checkPermitted(role: string, expression: string | undefined, namespace: string): void {
  if (!expression) {
    throw notPermitted(
      `namespace ${namespace} has no annotation ${permittedAnnotation}, so its pods get no role by annotation`,
    );
  }
  if (!matches(expression, role, namespace)) {
    throw notPermitted(
      `${permittedAnnotation} of namespace ${namespace}, ${JSON.stringify(expression)}, does not permit role ${role}`,
    );
  }
}

/** As kiam: somewhere in the role as it is written, unless the expression says `^` and `$`. */
function matches(expression: string, role: string, namespace: string): boolean {
  // Go's way to say it for all that follows, as `(?i)`; ours is apart.
  const [, flags = '', rest = expression] = /^\(\?([ims]+)\)(.*)$/s.exec(expression) ?? [];
  try {
    const isMatch: unknown = runInNewContext(
      'new RegExp(rest, flags).test(role)',
      { rest, flags, role },
      { timeout: matchTimeoutMs },
    );
    return isMatch === true;
  } catch (cause) {
    throw notPermitted(
      `${permittedAnnotation} of namespace ${namespace} is no regular expression that can be used`,
      cause,
    );
  }
}

function notPermitted(message: string, cause?: unknown): CodedError {
  return new CodedError('Forbidden', message, { cause, reason: 'IamRoleNotPermitted' });
}

function roleArn(role: string, { partition, accountId }: RoleAccount): string {
  return role.startsWith('arn:') ? role : `arn:${partition}:iam::${accountId}:role/${role.replace(/^\/+/, '')}`;
}
