import { messageOf } from '../../support/errors.ts';

/** How a remote command ended. */
export type CommandStatus =
  | { readonly kind: 'success' }
  | { readonly kind: 'exit-code'; readonly exitCode: number }
  | { readonly kind: 'failure'; readonly message: string };

export function statusOfExit(exitCode: number): CommandStatus {
  return exitCode === 0 ? { kind: 'success' } : { kind: 'exit-code', exitCode };
}

/** `what` says in kubelet's words what went wrong: `error executing command in container`. */
export function statusOfFailure(what: string, error: unknown): CommandStatus {
  return { kind: 'failure', message: `${what}: ${messageOf(error)}` };
}

/** What the error stream carries from v4 of the protocol on: a v1 Status, which kubectl takes the exit code from. */
export function statusAsJson(status: CommandStatus): string {
  switch (status.kind) {
    case 'success':
      return JSON.stringify({ metadata: {}, status: 'Success' });
    case 'exit-code':
      return JSON.stringify({
        metadata: {},
        status: 'Failure',
        message: exitMessage(status.exitCode),
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: `${status.exitCode}` }] },
      });
    case 'failure':
      return JSON.stringify({
        metadata: {},
        status: 'Failure',
        message: `Internal error occurred: ${status.message}`,
        reason: 'InternalError',
        details: { causes: [{ message: status.message }] },
        code: 500,
      });
  }
}

/** What it carries before v4: text, and nothing where all went well. */
export function statusAsText(status: CommandStatus): string {
  switch (status.kind) {
    case 'success':
      return '';
    case 'exit-code':
      return exitMessage(status.exitCode);
    case 'failure':
      return `Internal error occurred: ${status.message}`;
  }
}

function exitMessage(exitCode: number): string {
  return `command terminated with non-zero exit code: ${exitCode}`;
}
