import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

/**
 * `node image-registry.ts <folder> <port>`: an image registry on loopback with the one image of an OCI layout, under
 * every repository's name: those below `private/` for who says user:secret, those below `missing/` for nobody.
 */
const [layout = '', port = ''] = process.argv.slice(2);
const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: [{ digest: string }] };
const manifestDigest = index.manifests[0].digest;

createServer(answer).listen(Number(port), '127.0.0.1');

function answer(request: IncomingMessage, response: ServerResponse): void {
  const [, repository = '', kind = '', wanted = ''] =
    /^\/v2\/(.*)\/(manifests|blobs)\/(.*)$/.exec(request.url ?? '') ?? [];
  // Whoever comes first asks for /v2/ and is told there how to say who they are.
  if ((repository === '' || repository.startsWith('private/')) && !isAuthorized(request)) {
    refuse(response, { status: 401, code: 'UNAUTHORIZED', message: 'authentication required' });
  } else if (repository.startsWith('missing/')) {
    refuse(response, { status: 404, code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' });
  } else if (kind === 'manifests') {
    send(response, manifestDigest, 'application/vnd.oci.image.manifest.v1+json');
  } else if (kind === 'blobs') {
    send(response, wanted, 'application/octet-stream');
  } else {
    response.end('{}');
  }
}

function isAuthorized({ headers }: IncomingMessage): boolean {
  return headers.authorization === `Basic ${Buffer.from('user:secret').toString('base64')}`;
}

function send(response: ServerResponse, digest: string, contentType: string): void {
  const content = readFileSync(join(layout, 'blobs', ...digest.split(':')));
  response.writeHead(200, {
    'content-type': contentType,
    'content-length': content.length,
    'docker-content-digest': digest,
  });
  response.end(content);
}

function refuse(
  response: ServerResponse,
  { status, code, message }: { readonly status: number; readonly code: string; readonly message: string },
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="test"' });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
