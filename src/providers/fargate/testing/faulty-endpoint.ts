import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What becomes of a call: it never comes to AWS, or its answer is lost, or it is refused with an exception of AWS. */
export type Fault =
  | { readonly kind: 'unsent' | 'lost' }
  | { readonly kind: 'refused'; readonly exception: string; readonly message: string };

/** Stands between a process of ours and Fargate; `faultOf` says what goes wrong with the next call of an operation. */
export class FaultyEndpoint {
  /** Called operations, in order. */
  readonly calls: string[] = [];
  faultOf: (operation: string) => Fault | undefined = () => undefined;
  readonly #target: string;
  readonly #server = createServer((incoming, answer) => void this.#forward(incoming, answer));

  constructor(target: string) {
    this.#target = target;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  count(operation: string): number {
    return this.calls.filter((each) => each === operation).length;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #forward(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    try {
      const body = await buffer(incoming);
      const target = String(incoming.headers['x-amz-target']);
      const operation = target.split('.')[1] ?? '';
      this.calls.push(operation);
      const fault = this.faultOf(operation);
      if (fault?.kind === 'refused') {
        const { exception, message } = fault;
        answer.writeHead(exception.startsWith('Server') ? 500 : 400, { 'content-type': 'application/x-amz-json-1.1' });
        answer.end(JSON.stringify({ __type: exception, message }));
        return;
      }
      if (fault?.kind === 'unsent') {
        answer.destroy();
        return;
      }
      const headers = {
        'x-amz-target': target,
        'content-type': incoming.headers['content-type'] ?? '',
        authorization: incoming.headers.authorization ?? '',
      };
      const reply = await fetch(this.#target, { method: 'POST', headers, body: new Uint8Array(body) });
      const text = await reply.text();
      if (fault?.kind === 'lost') {
        answer.destroy();
        return;
      }
      answer.writeHead(reply.status, { 'content-type': reply.headers.get('content-type') ?? '' }).end(text);
    } catch {
      answer.destroy();
    }
  }
}
