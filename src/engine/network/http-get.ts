import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Container } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { containerPort } from './container-port.ts';

type HttpGetAction = NonNullable<NonNullable<NonNullable<Container['lifecycle']>['preStop']>['httpGet']>;

export interface HttpTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface HttpGetOptions {
  readonly userAgent: string;
  /** Of the body; what is longer is not read. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly location: string | undefined;
  readonly body: string;
}

/** Where an httpGet action points: at the pod unless it names a host. Throws `InvalidInput` for an unknown port name. */
export function httpTarget(action: HttpGetAction, container: Container, podIp: string | undefined): HttpTarget {
  return {
    scheme: action.scheme?.toLowerCase() === 'https' ? 'https' : 'http',
    host: action.host || (podIp ?? ''),
    port: containerPort(action.port, container),
    path: escapedPath(action.path ?? ''),
    headers: (action.httpHeaders ?? []).map(({ name, value }) => [name, value] as const),
  };
}

/** Path and query with whatever a URL may not hold escaped. */
function escapedPath(path: string): string {
  const { pathname, search } = new URL(path.startsWith('/') ? path : `/${path}`, 'http://pod');
  return `${pathname}${search}`;
}

/** One GET on a connection of its own; certificates are not looked at, as by kubelet. Rejects where nobody answers. */
export function httpGet(target: HttpTarget, { userAgent, maxBytes, signal }: HttpGetOptions): Promise<HttpAnswer> {
  const { scheme, host, port, path } = target;
  const given = new Set(target.headers.map(([name]) => name.toLowerCase()));
  const ours = [
    ['Host', `${host.includes(':') ? `[${host}]` : host}:${port}`],
    ['User-Agent', userAgent],
    ['Accept', '*/*'],
    ['Connection', 'close'],
  ] as const;
  // As a flat list, so that a name may come more than once.
  const headers = [...ours.filter(([name]) => !given.has(name.toLowerCase())), ...target.headers].flat();
  return new Promise((resolve, reject) => {
    const send = scheme === 'https' ? requestHttps : requestHttp;
    const request = send(
      { host, port, path, headers, method: 'GET', agent: false, rejectUnauthorized: false, signal },
      (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        const finish = (): void => {
          response.destroy();
          resolve({
            status: response.statusCode ?? 0,
            statusText: `${response.statusCode} ${response.statusMessage ?? ''}`.trim(),
            location: response.headers.location,
            body: Buffer.concat(chunks).toString().slice(0, maxBytes),
          });
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length >= maxBytes) finish();
        });
        response.once('end', finish);
        response.once('error', reject);
      },
    );
    request.once('error', (error) =>
      reject(
        new CodedError('Unavailable', `Get "${scheme}://${host}:${port}${path}": ${error.message}`, { cause: error }),
      ),
    );
    request.end();
  });
}
