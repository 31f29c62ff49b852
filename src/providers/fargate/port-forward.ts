import { connect } from 'node:net';
import type { PodConnection, PortForwardRequest } from '../../provider/process-streams.ts';
import { CodedError } from '../../support/errors.ts';
import type { PodRecord } from './pods/pod-record.ts';

/**
 * Connects to a port of a task at its own address: what listens at 127.0.0.1 alone is not reached. Half-open, as a
 * `PodConnection` is.
 */
export function connectToTask(
  record: PodRecord | undefined,
  { pod, port }: PortForwardRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<PodConnection> {
  const [host] = record?.task?.status === 'RUNNING' ? record.task.privateIps : [];
  if (host === undefined) throw new CodedError('NotFound', `pod ${pod.namespace}/${pod.name} has no running task`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, signal });
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) => {
      const message = `cannot connect to port ${port} of the task at ${host} (what listens at 127.0.0.1 alone is not reached)`;
      reject(new CodedError('Unavailable', message, { cause }));
    });
  });
}
