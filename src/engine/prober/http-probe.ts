import type { ProbeSettings } from '../../podspec/probes/probe-settings.ts';
import { messageOf } from '../../support/errors.ts';
import { type HttpAnswer, type HttpTarget, httpGet, httpTarget } from '../network/http-get.ts';
import { failure, maxOutputBytes, type ProbeTarget, success, type Try } from './probe-target.ts';

type HttpGet = NonNullable<ProbeSettings['handler']['httpGet']>;

const longestWay = 10;

/** A GET that has to be answered with 200–399; redirects are followed on the same host only (kubelet's `DoHTTPProbe`). */
export async function tryHttp(action: HttpGet, { container, ip }: ProbeTarget, signal: AbortSignal): Promise<Try> {
  let target = httpTarget(action, container, ip);
  for (let step = 0; step <= longestWay; step++) {
    let answer: HttpAnswer;
    try {
      answer = await httpGet(target, { userAgent: 'kube-probe/1.36', maxBytes: maxOutputBytes, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      return failure(messageOf(error));
    }
    const { status, location, body } = answer;
    if (status < 200 || status >= 400) return failure(`HTTP probe failed with statuscode: ${status}`);
    const next = status >= 300 && location !== undefined ? redirected(target, location) : undefined;
    if (next === undefined) {
      return status < 300 ? success : { kind: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    }
    target = next;
  }
  return failure(`Get "${target.path}": stopped after ${longestWay} redirects`);
}

/** Undefined for another host, and for what is no address. */
function redirected(target: HttpTarget, location: string): HttpTarget | undefined {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const url = URL.parse(location, `${target.scheme}://${host}:${target.port}${target.path}`);
  if (!url || url.hostname !== host || !/^https?:$/.test(url.protocol)) return undefined;
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = Number(url.port || (scheme === 'https' ? 443 : 80));
  return { ...target, scheme, port, path: `${url.pathname}${url.search}` };
}
