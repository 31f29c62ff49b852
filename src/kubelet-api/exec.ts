import { podRef } from '../kubernetes/objects.ts';
import type { Provider } from '../provider/provider.ts';
import { CodedError } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import { type Handler, parameter } from './call.ts';
import { findPod, findRunningContainer } from './find-pod.ts';
import type { PodSource } from './pod-source.ts';
import { acceptCommand } from './streams/accept-command.ts';
import { type CommandStatus, statusOfExit, statusOfFailure } from './streams/command-status.ts';
import { parseCommandOptions } from './streams/remote-command.ts';
import type { StreamTimeouts } from './streams/timeouts.ts';

/** What exec, attach and port-forward are made of. */
export interface StreamDeps {
  readonly pods: PodSource;
  readonly provider: Provider;
  readonly timeouts: StreamTimeouts;
  readonly log: Logger;
}

/** `/exec/<namespace>/<pod>[/<uid>]/<container>`: runs a command in a container, joined to the client's terminal or pipes. */
export function exec({ pods, provider, timeouts, log }: StreamDeps): Handler {
  return async (call) => {
    const options = parseCommandOptions(call.query);
    const command = call.query.getAll('command');
    if (command.length === 0) throw new CodedError('InvalidInput', 'you must specify a command');
    const container = parameter(call, 'container');
    const pod = findPod(pods, call);
    findRunningContainer(pods, pod, container);
    const { exec: run } = provider;
    if (run === undefined) {
      throw new CodedError('NotImplemented', `provider ${provider.name} cannot run commands in containers`);
    }
    const ref = podRef(pod);
    // Who has been inside is worth knowing; the command itself may hold a secret.
    log.info('exec into a container', {
      pod: ref,
      container,
      by: call.caller.name,
      over: call.request.headers.upgrade,
    });
    const session = await acceptCommand(call, options, timeouts);
    let status: CommandStatus;
    try {
      const request = { pod: ref, container, command, tty: options.tty };
      const { exitCode } = await run.call(provider, request, session.streams, { signal: call.signal });
      status = statusOfExit(exitCode);
    } catch (error) {
      status = statusOfFailure('error executing command in container', error);
    }
    await session.finish(status);
  };
}
