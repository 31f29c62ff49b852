import type { ProbeSettings } from '../../podspec/probes/probe-settings.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { withTimeout } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import { hasCode, messageOf } from '../../support/errors.ts';
import { goDuration } from '../go-duration.ts';
import { tryExec } from './exec-probe.ts';
import { tryGrpc } from './grpc-probe.ts';
import { tryHttp } from './http-probe.ts';
import { failure, type ProbeTarget, type Try } from './probe-target.ts';
import { tryTcp } from './tcp-probe.ts';

/** Tries a probe once, within its timeout; no answer in time is a failure. Rejects only where the signal aborts. */
export async function tryProbe(
  { runtime, clock }: { readonly runtime: Pick<Runtime, 'exec'>; readonly clock: Clock },
  settings: ProbeSettings,
  { target, signal }: { readonly target: ProbeTarget; readonly signal: AbortSignal },
): Promise<Try> {
  const { timeoutMs } = settings;
  try {
    return await withTimeout('the probe', { timeoutMs, clock, signal }, (inTime) =>
      once(runtime, settings, { target, signal: inTime }),
    );
  } catch (error) {
    if (signal.aborted) throw error;
    if (hasCode(error, 'Timeout')) return failure(timeoutWords(settings));
    return { kind: 'error', output: messageOf(error) };
  }
}

async function once(
  runtime: Pick<Runtime, 'exec'>,
  { handler }: ProbeSettings,
  { target, signal }: { readonly target: ProbeTarget; readonly signal: AbortSignal },
): Promise<Try> {
  if (handler.exec) return await tryExec(runtime, handler.exec, { target, signal });
  if (handler.httpGet) return await tryHttp(handler.httpGet, target, signal);
  if (handler.tcpSocket) return await tryTcp(handler.tcpSocket, target, signal);
  if (handler.grpc) return await tryGrpc(handler.grpc, target, signal);
  return { kind: 'error', output: 'missing probe handler' };
}

function timeoutWords({ handler, timeoutMs }: ProbeSettings): string {
  const within = goDuration(timeoutMs);
  if (handler.exec) return `command timed out: "${handler.exec.command?.join(' ')}" timed out after ${within}`;
  if (handler.grpc) return `timeout: health rpc did not complete within ${within}`;
  return `no answer within ${within}`;
}
