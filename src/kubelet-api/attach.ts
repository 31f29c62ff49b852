import { podRef } from '../kubernetes/objects.ts';
import { CodedError } from '../support/errors.ts';
import { type Handler, parameter } from './call.ts';
import type { StreamDeps } from './exec.ts';
import { findPod, findRunningContainer } from './find-pod.ts';
import { acceptCommand } from './streams/accept-command.ts';
import { type CommandStatus, statusOfFailure } from './streams/command-status.ts';
import { parseCommandOptions } from './streams/remote-command.ts';

/** `/attach/<namespace>/<pod>[/<uid>]/<container>`: joins the client to a container's own process. */
export function attach({ pods, provider, timeouts, log }: StreamDeps): Handler {
  return async (call) => {
    const options = parseCommandOptions(call.query);
    const container = parameter(call, 'container');
    const pod = findPod(pods, call);
    const spec = findRunningContainer(pods, pod, container);
    const { attach: join } = provider;
    if (join === undefined) {
      throw new CodedError('NotImplemented', `provider ${provider.name} cannot attach to containers`);
    }
    const ref = podRef(pod);
    log.info('attach to a container', {
      pod: ref,
      container,
      by: call.caller.name,
      over: call.request.headers.upgrade,
    });
    const session = await acceptCommand(call, options, timeouts);
    let status: CommandStatus = { kind: 'success' };
    try {
      // A process has a terminal from its start or never: the container's spec counts, not what the client thinks.
      const request = { pod: ref, container, tty: spec.tty === true };
      await join.call(provider, request, session.streams, { signal: call.signal });
    } catch (error) {
      status = statusOfFailure('error attaching to container', error);
    }
    await session.finish(status);
  };
}
