import { type ClientHttp2Session, connect } from 'node:http2';
import type { ProbeSettings } from '../../podspec/probes/probe-settings.ts';
import { failure, type ProbeTarget, success, type Try } from './probe-target.ts';

type Grpc = NonNullable<ProbeSettings['handler']['grpc']>;

const checkPath = '/grpc.health.v1.Health/Check';
const statusNames: readonly string[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const unimplemented = 12;

/**
 * One call of the gRPC health protocol, in the clear. Its two messages have one field each, so they are written and read
 * here by hand.
 */
export function tryGrpc({ port, service }: Grpc, { ip }: ProbeTarget, signal: AbortSignal): Promise<Try> {
  const address = `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`);
    const onAbort = (): void => {
      session.destroy();
      reject(signal.reason as Error);
    };
    const finish = (how: Try): void => {
      signal.removeEventListener('abort', onAbort);
      session.destroy();
      resolve(how);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    session.once('error', (error) =>
      finish(failure(`error: failed to connect service at "${address}": ${error.message}`)),
    );
    session.once('connect', () => callHealth(session, service ?? '').then(finish));
  });
}

/** Resolves however the call goes. */
function callHealth(session: ClientHttp2Session, service: string): Promise<Try> {
  return new Promise((resolve) => {
    const call = session.request({
      ':method': 'POST',
      ':path': checkPath,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/1.36',
    });
    const chunks: Buffer[] = [];
    let status = 0;
    let message = '';
    const readStatus = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] === undefined) return;
      status = Number(headers['grpc-status']);
      message = String(headers['grpc-message'] ?? '');
    };
    // A call that fails at once says so in its first headers.
    call.once('response', readStatus);
    call.once('trailers', readStatus);
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    call.once('error', (error) => resolve(failure(`error: health rpc probe failed: ${error.message}`)));
    call.once('end', () => resolve(verdict({ status, message, body: Buffer.concat(chunks) })));
    call.end(requestMessage(service));
  });
}

function verdict({
  status,
  message,
  body,
}: {
  readonly status: number;
  readonly message: string;
  readonly body: Buffer;
}): Try {
  if (status === unimplemented) {
    return failure(
      `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`,
    );
  }
  if (status !== 0) return failure(`error: health rpc probe failed: rpc error: code = ${status} desc = ${message}`);
  // HealthCheckResponse: field 1 as a varint; left out, it is 0. Before it five bytes that frame the message.
  const health = body.length >= 7 && body[5] === 0x08 ? (body[6] ?? 0) : 0;
  if (health === 1) return success;
  return failure(`service unhealthy (responded with "${statusNames[health] ?? health}")`);
}

/** HealthCheckRequest: field 1 as text. In front: not compressed, and the length in four bytes. */
function requestMessage(service: string): Buffer {
  const name = Buffer.from(service);
  const field = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(field.length, 1);
  return Buffer.concat([frame, field]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
