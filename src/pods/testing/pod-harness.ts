import type { TestContext } from 'node:test';
import type { KubernetesApiClient } from '../../apiserver/api-client.ts';
import { pods } from '../../apiserver/client.ts';
import { Informer } from '../../apiserver/informer.ts';
import type { LoggedRequest } from '../../apiserver/testing/fake-api-request.ts';
import type { FakeApiServer } from '../../apiserver/testing/fake-api-server.ts';
import { connectClient, startServer } from '../../apiserver/testing/test-client.ts';
import type { Node, Pod, PodSpec } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import type { PodEvent } from '../../podspec/pod-events.ts';
import type { CreateProvider, Provider, ProviderContext } from '../../provider/provider.ts';
import { FaultyProvider } from '../../provider/testing/faulty-provider.ts';
import { until } from '../../provider/testing/until.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { PodController } from '../pod-controller.ts';

const nodeName = 'vk';

/** One life of our process: a controller that runs. */
export interface Life {
  readonly controller: PodController;
  /** Ends it as SIGTERM does. */
  stop(): Promise<void>;
}

/**
 * A pod controller on an API server with real sockets and a provider that can be made to fail. Times of the controller
 * and the provider stand still until the test moves them; requests take the time they take.
 */
export class PodHarness {
  readonly server: FakeApiServer;
  readonly client: KubernetesApiClient;
  readonly clock: FakeClock;
  readonly faulty: FaultyProvider;
  readonly events: PodEvent[] = [];
  /** As it was seen last, and as it is. */
  readonly node: { seen: Node | undefined; now: Node };
  readonly #context: TestContext;
  #count = 0;

  private constructor(context: TestContext, parts: Pick<PodHarness, 'server' | 'client' | 'clock' | 'faulty'>) {
    this.#context = context;
    this.server = parts.server;
    this.client = parts.client;
    this.clock = parts.clock;
    this.faulty = parts.faulty;
    const allocatable = { cpu: '100k', memory: '1Pi', pods: '100k' };
    const now: Node = { metadata: { name: nodeName, labels: {} }, status: { allocatable } };
    this.node = { seen: now, now };
  }

  /** With a provider, or one made of a context whose time is the harness's. */
  static async set(context: TestContext, provider: Provider | CreateProvider): Promise<PodHarness> {
    const server = await startServer(context);
    const client = await connectClient(context, server);
    const clock = new FakeClock();
    const made = typeof provider === 'function' ? await provider(providerContext(clock)) : provider;
    return new PodHarness(context, { server, client, clock, faulty: new FaultyProvider(made) });
  }

  /** Starts a controller, and waits until it works. */
  async start(options: { readonly workers?: number; readonly resyncPeriodMs?: number } = {}): Promise<Life> {
    const life = this.launch(options);
    await life.ready;
    return life;
  }

  /** Starts a controller and waits for nothing. */
  launch({
    workers = 10,
    resyncPeriodMs = 60_000,
  }: {
    readonly workers?: number;
    readonly resyncPeriodMs?: number;
  } = {}) {
    const { client, clock } = this;
    const random = seededRandom(1);
    const log = silentLogger;
    const scope = { fieldSelector: `spec.nodeName=${nodeName}` };
    const informer = new Informer(pods, scope, { client, clock: systemClock, random, log });
    const controller = new PodController({
      nodeName,
      node: { current: () => this.node.seen, read: async () => this.node.now },
      hostIps: ['10.0.0.5'],
      pods: informer,
      client,
      provider: this.faulty.provider,
      recordEvent: (event) => this.events.push(event),
      clock,
      random,
      log,
      workers,
      resyncPeriodMs,
    });
    const stopping = new AbortController();
    const watching = informer.run(stopping.signal);
    const { promise: ready, resolve: onReady } = Promise.withResolvers<void>();
    const running = controller.run({ signal: stopping.signal, onReady });
    const stop = async (): Promise<void> => {
      stopping.abort(new Error('stopped by the test'));
      await Promise.all([running, watching]);
    };
    this.#context.after(stop);
    return { controller, ready, stop };
  }

  /** Binds a pod to the node. */
  createPod(spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}): Pod {
    this.#count += 1;
    return this.server.put(pods, {
      metadata: { namespace: 'default', name: `web-${this.#count}`, ...metadata },
      spec: { nodeName, restartPolicy: 'Always', containers: [{ name: 'a', image: 'foo' }], ...spec },
      status: { phase: 'Pending' },
    });
  }

  /** Changes the pod's labels, as a user does. */
  relabel(pod: Pod): void {
    this.#count += 1;
    this.server.patch(pods, podRef(pod), { metadata: { labels: { count: String(this.#count) } } });
  }

  /** As the API server has it; undefined where it has none of this name or another one. */
  stored(pod: Pod): Pod | undefined {
    const { namespace, name, uid } = podRef(pod);
    const found = this.server.find(pods, { namespace, name });
    return found?.metadata?.uid === uid ? found : undefined;
  }

  /** Asks for the pod's end, as `kubectl delete` does. */
  deletePod(pod: Pod, gracePeriodSeconds?: number): void {
    const { namespace, name } = podRef(pod);
    this.server.remove(pods, { namespace, name }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
  }

  untilPod(pod: Pod, what: string, is: (pod: Pod) => unknown): Promise<Pod> {
    const ask = (): Pod | undefined => {
      const found = this.stored(pod);
      return found !== undefined && is(found) ? found : undefined;
    };
    return until(`pod ${pod.metadata?.name} ${what}`, ask, { detail: () => this.stored(pod)?.status });
  }

  untilReady(pod: Pod): Promise<Pod> {
    return this.untilPod(pod, 'Ready', isReady);
  }

  async untilGone(pod: Pod): Promise<void> {
    await until(`pod ${pod.metadata?.name} gone`, () => this.stored(pod) === undefined, {
      detail: () => this.stored(pod),
    });
  }

  /** Requests that change a pod, of this method. */
  writes(method: 'PATCH' | 'DELETE', pod?: Pod): LoggedRequest[] {
    return this.server.requests.filter(
      (request) =>
        request.method === method &&
        request.path.includes('/pods/') &&
        (pod === undefined || request.path.includes(`/${pod.metadata?.name}`)),
    );
  }

  /** Lets requests and reconciles come to rest. */
  async settled(): Promise<void> {
    let before = -1;
    await until('rest', async () => {
      const now = this.server.requests.length + this.faulty.calls.length;
      const isQuiet =
        now === before && this.server.requests.every(({ code, isWatch }) => isWatch || code !== undefined);
      before = now;
      for (let turn = 0; turn < 10; turn++) await this.clock.advance(0);
      return isQuiet;
    });
  }
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function providerContext(clock: FakeClock): ProviderContext {
  const unused = (): never => {
    throw new Error('nothing is looked up here');
  };
  return {
    nodeName,
    clusterId: 'cluster',
    configFile: undefined,
    nodeIp: '10.0.0.5',
    operatingSystem: 'linux',
    clusterDomain: 'cluster.local',
    clusterDnsIp: undefined,
    rootDir: '/nowhere',
    references: { secret: unused, configMap: unused, services: unused, serviceAccountToken: unused },
    recordEvent: unused,
    environment: {},
    clock,
    log: silentLogger,
  };
}
