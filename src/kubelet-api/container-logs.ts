import { podRef } from '../kubernetes/objects.ts';
import type { Provider } from '../provider/provider.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError, hasCode, messageOf } from '../support/errors.ts';
import { type Handler, parameter } from './call.ts';
import { findContainer } from './find-pod.ts';
import { whyNoLog } from './log-availability.ts';
import { parseLogOptions } from './log-options.ts';
import type { PodSource } from './pod-source.ts';

/**
 * `/containerLogs/<namespace>/<pod>/<container>`: a container's log as the provider reads it. What the client does not
 * take, the provider is not asked for; when the client goes, the provider's read is aborted. An error after the first
 * byte cuts the connection.
 */
export function containerLogs(deps: {
  readonly pods: PodSource;
  readonly provider: Provider;
  readonly clock: Clock;
}): Handler {
  return async (call) => {
    const { query, response, signal } = call;
    const container = parameter(call, 'container');
    const options = parseLogOptions(query, deps.clock.now());
    const name = parameter(call, 'pod');
    const pod = deps.pods.podByName(parameter(call, 'namespace'), name);
    if (pod === undefined) throw new CodedError('NotFound', `pod "${name}" does not exist`);
    if (findContainer(pod, container) === undefined) {
      throw new CodedError('NotFound', `container "${container}" not found in pod "${name}"`);
    }
    const ref = podRef(pod);
    const why = whyNoLog({ pod, observed: deps.pods.observed(ref.uid), container, previous: options.previous });
    if (why !== undefined) throw new CodedError('InvalidInput', why);
    if (deps.provider.logs === undefined) {
      throw new CodedError('NotImplemented', `provider ${deps.provider.name} has no logs to show`);
    }
    const chunks = await deps.provider.logs({ ...options, pod: ref, container }, { signal }).catch(shownToTheUser);
    response.writeHead(200, { 'content-type': 'text/plain' });
    // A follower of a silent container shall know at once that it is heard.
    response.flushHeaders();
    for await (const chunk of chunks) await taken(signal, (done) => response.write(chunk, done));
    await taken(signal, (done) => response.end(done));
  };
}

/** Resolves when what is written is on its way and nobody reads it any more; rejects where the client goes before. */
async function taken(signal: AbortSignal, write: (done: (error?: Error | null) => void) => void): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    write((error) => {
      signal.removeEventListener('abort', giveUp);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** The API server passes the text of a 400 on to kubectl, and not that of a 404; kubelet answers so for that reason. */
function shownToTheUser(error: unknown): never {
  if (hasCode(error, 'NotFound')) throw new CodedError('InvalidInput', messageOf(error), { cause: error });
  throw error;
}
