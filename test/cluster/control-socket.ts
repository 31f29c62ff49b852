import { createServer, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ClusterControls } from './cluster-servers.ts';
import { describeError } from './describe-error.ts';

const controlNames = [
  'startKubeProxy',
  'stopKubeProxy',
  'stopApiServer',
  'startApiServer',
  'freezeApiServer',
  'thawApiServer',
  'stopPodman',
  'startPodman',
] as const satisfies readonly (keyof ClusterControls)[];

type ControlName = (typeof controlNames)[number];

/**
 * Lets other processes control the servers of a cluster that this process started: it stays the parent of all of them,
 * so that they end with it and their ends are noticed.
 */
export async function serveControls(controls: ClusterControls, socketPath: string): Promise<AsyncDisposable> {
  const server = createServer((incoming, response) => {
    const perform = async () => {
      const name = controlNames.find((candidate) => incoming.url === `/${candidate}`);
      if (name === undefined) throw new Error(`There is no control ${incoming.url}.`);
      const [argument] = JSON.parse(await text(incoming)) as string[];
      await (controls[name] as (argument?: string) => Promise<void>).call(controls, argument);
    };
    perform().then(
      () => response.writeHead(204).end(),
      (error: unknown) => response.writeHead(500).end(describeError(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    async [Symbol.asyncDispose]() {
      // Calls that are being carried out are not waited for: the cluster ends.
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The controls of a cluster that another process started. */
export function remoteControls(socketPath: string): ClusterControls {
  const control = (name: ControlName) => (argument?: string) => callControl(socketPath, name, argument);
  return Object.fromEntries(controlNames.map((name) => [name, control(name)])) as Record<
    ControlName,
    (argument?: string) => Promise<void>
  >;
}

function callControl(socketPath: string, name: ControlName, argument: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method: 'POST', path: `/${name}`, agent: false }, (response) => {
      text(response).then((said) => {
        if (response.statusCode === 204) resolve();
        else reject(new Error(said));
      }, reject);
    });
    call.on('error', reject);
    call.end(JSON.stringify(argument === undefined ? [] : [argument]));
  });
}
