import { CodedError } from '../support/errors.ts';
import type { Call, Handler } from './call.ts';
import { HttpError } from './errors.ts';

/** What is wrong with a part of us; undefined where it is well. */
export type HealthCheck = () => string | undefined;

/** `/healthz`: all checks, each on a line with `?verbose`, some left out by `?exclude=`, in kubelet's words. */
export function healthz(checks: Readonly<Record<string, HealthCheck>>): Handler {
  return async (call) => {
    const excluded = new Set(call.query.getAll('exclude'));
    const lines: string[] = [];
    let failed = false;
    for (const [name, check] of Object.entries(checks)) {
      if (excluded.has(name)) {
        lines.push(`[+]${name} excluded: ok`);
      } else if (check() === undefined) {
        lines.push(`[+]${name} ok`);
      } else {
        failed = true;
        lines.push(`[-]${name} failed: reason withheld`);
      }
    }
    if (failed) throw new CodedError('Internal', `${lines.join('\n')}\nhealthz check failed`);
    answerText(call, call.query.has('verbose') ? `${lines.join('\n')}\nhealthz check passed\n` : 'ok');
  };
}

/** `/healthz/<name>`: one check with its reason. */
export function healthzCheck(check: HealthCheck): Handler {
  return async (call) => {
    const fault = check();
    if (fault !== undefined) throw new HttpError(500, `internal server error: ${fault}`);
    answerText(call, 'ok');
  };
}

function answerText({ response }: Call, text: string): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
  response.end(text);
}
