import { createWebSocketStream } from 'ws';
import { podRef } from '../kubernetes/objects.ts';
import { CodedError } from '../support/errors.ts';
import { type Handler, requireUpgrade } from './call.ts';
import type { StreamDeps } from './exec.ts';
import { findPod } from './find-pod.ts';
import { acceptSpdy } from './streams/spdy/accept.ts';
import { servePortForward, spdyPortForwardProtocol } from './streams/spdy/port-forward.ts';
import { upgradeKind } from './streams/upgrade.ts';
import { acceptWebSocket, offeredProtocols } from './streams/websocket/accept.ts';
import { channelPortForwardProtocols, parsePorts, serveChannelPortForward } from './streams/websocket/port-forward.ts';

/** The whole SPDY connection, carried in the messages of a WebSocket. */
const tunnelProtocol = `SPDY/3.1+${spdyPortForwardProtocol}`;

/** `/portForward/<namespace>/<pod>[/<uid>]`: connections to ports of a pod, as many as the client opens. */
export function portForward({ pods, provider, timeouts, log }: StreamDeps): Handler {
  return async (call) => {
    const upgrade = requireUpgrade(call);
    const kind = upgradeKind(call.request);
    const tunnelled = kind === 'websocket' && offeredProtocols(call.request).includes(tunnelProtocol);
    const ports = kind === 'websocket' && !tunnelled ? parsePorts(call.query) : [];
    const pod = podRef(findPod(pods, call));
    if (provider.portForward === undefined) {
      throw new CodedError('NotImplemented', `provider ${provider.name} cannot forward ports`);
    }
    const { portForward: connect } = provider;
    log.info('port forwarding to a pod', { pod, by: call.caller.name, over: call.request.headers.upgrade });
    const parts = { pod, ports, timeouts, connect: connect.bind(provider), signal: call.signal };
    if (kind === 'spdy') {
      const { transport } = acceptSpdy({ ...call, upgrade }, [spdyPortForwardProtocol]);
      await servePortForward(transport, parts);
    } else if (tunnelled) {
      const { ws } = await acceptWebSocket({ request: call.request, upgrade }, [tunnelProtocol]);
      await servePortForward(createWebSocketStream(ws), parts);
    } else {
      const protocols = channelPortForwardProtocols;
      const { ws, socket, protocol } = await acceptWebSocket(
        { request: call.request, upgrade },
        Object.keys(protocols),
      );
      await serveChannelPortForward({ ws, socket, encoding: protocols[protocol] ?? 'binary' }, parts);
    }
  };
}
