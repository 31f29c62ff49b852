import { CodedError, type ErrorCode } from '../../support/errors.ts';

/** What Podman answers with a status of 400 and more. */
export interface PodmanErrorBody {
  /** The innermost error. */
  readonly cause?: string;
  /** The whole chain, the innermost last: one of a fixed set where Podman knows it. */
  readonly message?: string;
}

/**
 * What Podman says, and what it means to us. Podman answers 500 to most of what it cannot do, so the words count
 * before the status.
 */
const meanings: readonly (readonly [RegExp, ErrorCode])[] = [
  [/\b(no such (container|pod|image|exec session)|image not known)$/, 'NotFound'],
  [/\b(that name is already in use|(container|pod) already exists)$/, 'AlreadyExists'],
  [/\bcontainer state improper$/, 'Conflict'],
  // What the container itself asks for cannot be: its command, its folder, its user, its addresses.
  [/\b(OCI runtime attempted to invoke a command that was not found|OCI permission denied)$/, 'InvalidInput'],
  [/\bno matching entries in (passwd|group) file$|^workdir ".*" does not exist/, 'InvalidInput'],
  [/^failed to decode specgen\b/, 'InvalidInput'],
];

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'InvalidInput',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
};

/** The error of a failed call. */
export function toCodedError(status: number, body: PodmanErrorBody): CodedError {
  const message = body.message || body.cause || `Podman answered with status ${status}`;
  if (/catatonit/.test(message) && /pause|could not find/.test(message)) {
    return new CodedError(
      'Unavailable',
      `Podman cannot make the container that holds a pod's network: install the package catatonit (${message})`,
    );
  }
  const meaning = meanings.find(([words]) => words.test(message));
  return new CodedError(meaning?.[1] ?? byStatus[status] ?? 'Internal', withoutNoise(message));
}

/** Without the runtime's name in front and the general remark behind, which say nothing about what went wrong. */
function withoutNoise(message: string): string {
  return message
    .replace(/^(runc|crun): /, '')
    .replace(/: OCI (runtime attempted to invoke a command that was not found|permission denied|runtime error)$/, '');
}
