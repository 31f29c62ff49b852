import { CodedError, messageOf } from '../../support/errors.ts';

/** A task cannot be started: `message` becomes its stoppedReason. Trying again does not help, as ECS sees it. */
export class TaskFailure extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'TaskFailure';
  }
}

/** The runtime does not answer: what was asked of it may be possible later. */
export function isPassing(error: unknown): boolean {
  return error instanceof CodedError && ['Unavailable', 'Timeout', 'Throttled'].includes(error.code);
}

/** One line of what went wrong, as ECS shows reasons. */
export function reasonOf(kind: string, error: unknown): string {
  return `${kind}: ${messageOf(error).replaceAll(/\s+/g, ' ')}`.slice(0, 1024);
}
