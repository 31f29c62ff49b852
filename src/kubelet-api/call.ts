import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from './caller.ts';
import { HttpError } from './errors.ts';
import type { Upgrade } from './streams/upgrade.ts';

/** One request whose sender is known and has the right to it. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Where the client asked for another protocol. */
  readonly upgrade: Upgrade | undefined;
  readonly caller: Caller;
  /** The named parts of the path, decoded and of legal form. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Aborts when the client has gone or the server ends. */
  readonly signal: AbortSignal;
}

/** Answers one call. What it throws is answered by errors.ts. */
export type Handler = (call: Call) => Promise<void>;

/** A named part of the path; the route's pattern has it, or the route is wrong. */
export function parameter(call: Call, name: string): string {
  const value = call.parameters[name];
  if (value === undefined) throw new TypeError(`the route has no :${name}`);
  return value;
}

/** Throws 400, in kubelet's words, where the client did not ask for another protocol. */
export function requireUpgrade(call: Call): Upgrade {
  if (call.upgrade === undefined) throw new HttpError(400, 'Upgrade request required');
  return call.upgrade;
}
