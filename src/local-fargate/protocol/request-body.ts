import type { IncomingMessage } from 'node:http';
import { AwsError } from './aws-error.ts';

/** The largest that any of these services takes (PutLogEvents: 1 MiB of events and what JSON adds to it). */
const maxBodyBytes = 4 * 1024 * 1024;

/** The whole body as text. Rejects with `RequestEntityTooLarge` past what any operation takes. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) {
      throw new AwsError('RequestEntityTooLarge', `The request has more than ${maxBodyBytes} bytes`, {
        httpStatus: 413,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
