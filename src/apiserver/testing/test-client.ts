import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { KubernetesApiClient, type ObservedCall } from '../api-client.ts';
import { Credentials } from '../credentials.ts';
import { FakeApiServer, type FakeApiServerOptions } from './fake-api-server.ts';

export interface TestClientOptions {
  /** Of the client; default the machine's. */
  readonly clock?: Clock;
  /** `users[].user` of the kubeconfig; default nobody. */
  readonly user?: object;
  /** More of `clusters[].cluster`. */
  readonly cluster?: object;
  readonly observe?: (call: ObservedCall) => void;
}

/** A kubeconfig for the server in a folder of its own, removed after the test. Gives its path. */
export async function writeKubeconfig(t: TestContext, url: string, options: TestClientOptions = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'config');
  await writeFile(path, kubeconfigText(url, options));
  return path;
}

export function kubeconfigText(url: string, { user = {}, cluster = {} }: TestClientOptions = {}): string {
  return JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server: url, ...cluster } }],
    users: [{ name: 'test', user }],
  });
}

/** A fake API server that ends with the test. */
export async function startServer(t: TestContext, options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const server = await FakeApiServer.start(options);
  t.after(() => server.close());
  return server;
}

/** A client of the server, by a kubeconfig as users have it; ends with the test. */
export async function connectClient(
  t: TestContext,
  server: FakeApiServer,
  options: TestClientOptions = {},
): Promise<KubernetesApiClient> {
  const path = await writeKubeconfig(t, server.url, options);
  const { clock = systemClock, observe } = options;
  const random = seededRandom(1);
  const client = new KubernetesApiClient({
    credentials: new Credentials({ path, environment: process.env }, { clock, random, log: silentLogger }),
    clock,
    random,
    userAgent: 'virtual-kubelet/test',
    ...(observe === undefined ? {} : { observe }),
  });
  t.after(() => client.close());
  return client;
}
