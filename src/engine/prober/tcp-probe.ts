import { connect } from 'node:net';
import type { ProbeSettings } from '../../podspec/probes/probe-settings.ts';
import { containerPort } from '../network/container-port.ts';
import { failure, type ProbeTarget, success, type Try } from './probe-target.ts';

type TcpSocket = NonNullable<ProbeSettings['handler']['tcpSocket']>;

/** A connection that can be made. */
export function tryTcp(action: TcpSocket, { container, ip }: ProbeTarget, signal: AbortSignal): Promise<Try> {
  const host = action.host || ip;
  const port = containerPort(action.port, container);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const onAbort = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    const finish = (how: Try): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(how);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => finish(success));
    socket.once('error', (error) => finish(failure(`dial tcp ${host}:${port}: ${error.message}`)));
  });
}
