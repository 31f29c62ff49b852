import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { CodedError, messageOf } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import type { Answer } from './answer.ts';
import { AwsError } from './aws-error.ts';
import { readCredential } from './credentials.ts';
import { answerJson, findJsonOperation, type JsonService, jsonRefusal } from './json-protocol.ts';
import type { Call } from './operation.ts';
import { answerQuery, findQueryOperation, type QueryService, queryRefusal } from './query-protocol.ts';
import { readBody } from './request-body.ts';

/** Something beside the AWS services on the same port: undefined where the path is not its own. */
export type SideRoute = (method: string, path: string, body: string) => Promise<Answer | undefined>;

export interface AwsServerOptions {
  readonly region: string;
  readonly jsonServices: readonly JsonService[];
  readonly queryServices: readonly QueryService[];
  readonly sideRoute: SideRoute;
  /** Takes connections that leave HTTP; it ends them before the server closes. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Told of each call that was answered. */
  readonly onCall: (operation: string, refusedWith: string | undefined) => void;
  readonly log: Logger;
}

/** All services behind one port, each in its own protocol. */
export class AwsServer {
  readonly #options: AwsServerOptions;
  readonly #server: Server;
  readonly #ending = new AbortController();

  constructor(options: AwsServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', options.upgrade);
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Begins to serve; port 0 takes any free one. Rejects with `InvalidInput` where the address cannot be had. */
  async listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number }> {
    this.#server.listen(address.port, address.host);
    try {
      await once(this.#server, 'listening');
    } catch (cause) {
      const where = `${address.host}:${address.port}`;
      throw new CodedError('InvalidInput', `cannot serve on ${where}: ${messageOf(cause)}`, { cause });
    }
    return { port: (this.#server.address() as AddressInfo).port };
  }

  /** Ends calls that wait (long polling) and closes. */
  async close(): Promise<void> {
    this.#ending.abort(new CodedError('Unavailable', 'the server ends'));
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** One request, from its first byte to its answer. Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort(new CodedError('Unavailable', 'the caller has gone')));
    const signal = AbortSignal.any([gone.signal, this.#ending.signal]);
    let answer: Answer;
    try {
      answer = await this.#answer(request, signal);
    } catch (error) {
      answer =
        error instanceof AwsError
          ? jsonRefusal(error)
          : { ...jsonRefusal(new AwsError('InternalFailure', 'unknown', { httpStatus: 500 })), failure: error };
    }
    if (answer.failure !== undefined && !signal.aborted) {
      this.#options.log.error('a call failed', {
        target: request.headers['x-amz-target'] ?? request.url,
        error: answer.failure,
      });
    }
    if (response.destroyed) return;
    const requestId = randomUUID();
    response.writeHead(answer.status, {
      ...answer.headers,
      // The rest of a body that was not read would be taken for the next request.
      ...(request.complete ? {} : { connection: 'close' }),
      'content-length': Buffer.byteLength(answer.body),
      'x-amzn-requestid': requestId,
      'x-amz-request-id': requestId,
    });
    response.end(answer.body);
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
    const body = await readBody(request);
    const side = await this.#options.sideRoute(request.method ?? '', request.url ?? '', body);
    if (side) return side;
    const target = request.headers['x-amz-target'];
    if (typeof target === 'string') return this.#answerJson(request, { target, body, signal });
    return this.#answerQuery(request, { form: new URLSearchParams(body), signal });
  }

  async #answerJson(
    request: IncomingMessage,
    { target, body, signal }: { readonly target: string; readonly body: string; readonly signal: AbortSignal },
  ): Promise<Answer> {
    const found = findJsonOperation(this.#options.jsonServices, target);
    if (!found) {
      return jsonRefusal(new AwsError('UnknownOperationException', `Local Fargate has no operation ${target}`));
    }
    const answer = await answerJson(found, body, this.#call(request, signal));
    this.#options.onCall(`${found.service.name}:${found.operation.name}`, answer.refusedWith);
    return answer;
  }

  async #answerQuery(
    request: IncomingMessage,
    { form, signal }: { readonly form: URLSearchParams; readonly signal: AbortSignal },
  ): Promise<Answer> {
    const found = findQueryOperation(this.#options.queryServices, form);
    const dialect = found?.service.dialect ?? 'query';
    if (!found) {
      const action = form.get('Action') ?? 'none';
      const message = `Local Fargate has no action ${action} of version ${form.get('Version') ?? 'none'}`;
      return queryRefusal(new AwsError('InvalidAction', message), dialect);
    }
    let call: Call;
    try {
      call = this.#call(request, signal);
    } catch (error) {
      if (error instanceof AwsError) return queryRefusal(error, dialect);
      throw error;
    }
    const answer = await answerQuery(found, form, call);
    this.#options.onCall(`${found.service.name}:${found.operation.name}`, answer.refusedWith);
    return answer;
  }

  #call(request: IncomingMessage, signal: AbortSignal): Call {
    return {
      ...readCredential(request.headers, this.#options.region),
      origin: `http://${request.headers.host ?? 'localhost'}`,
      signal,
    };
  }
}
