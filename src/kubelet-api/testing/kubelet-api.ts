import { type RequestOptions, request } from 'node:https';
import type { Pod } from '../../kubernetes/objects.ts';
import { type FeatureId, featureIds, type Support } from '../../podspec/features/feature.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type { Provider } from '../../provider/provider.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { type KubeletApiOptions, KubeletApiServer } from '../server.ts';
import { type KeyPair, selfSignedServingCertificate } from '../serving-certificate.ts';
import { parseTlsParameters } from '../tls-parameters.ts';
import { TestAuthority } from './certificates.ts';
import { ReviewingApi } from './reviewing-api.ts';

/** A provider that has only what a test gives it. */
export function testProvider(parts: Partial<Provider> = {}): Provider {
  const honoured: Support = { kind: 'honoured' };
  const capabilities = Object.fromEntries(featureIds.map((id) => [id, honoured])) as Record<FeatureId, Support>;
  const unsupported = (): Promise<never> => Promise.reject(new TypeError('not part of this test'));
  return {
    name: 'test',
    capabilities,
    describeNode: unsupported,
    ping: unsupported,
    run: unsupported,
    createPod: unsupported,
    updatePod: unsupported,
    deletePod: unsupported,
    releasePod: unsupported,
    listPods: async () => [],
    ...parts,
  };
}

/** A pod with one container named `app`. */
export function testPod(name: string, more: Partial<Pod> = {}): Pod {
  return {
    metadata: { namespace: 'default', name, uid: `uid-${name}` },
    spec: { containers: [{ name: 'app', image: 'nginx', resources: {} }] },
    ...more,
  };
}

/** What a provider says of such a pod when all is well. */
export function runningObserved(pod: Pod): ObservedPod {
  return {
    ref: { namespace: 'default', name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' },
    sandboxReady: true,
    podIps: ['10.0.0.1'],
    containers: [
      {
        name: 'app',
        state: { kind: 'running', startedAtMs: 0 },
        restartCount: 0,
        started: true,
        ready: true,
        image: 'docker.io/library/nginx:latest',
        imageId: 'sha256:1',
      },
    ],
    ended: false,
  };
}

/** Pods in memory. */
export class TestPods {
  readonly #pods = new Map<string, Pod>();
  readonly #observed = new Map<string, ObservedPod>();

  add(pod: Pod, observed?: ObservedPod): void {
    this.#pods.set(`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod);
    if (observed !== undefined) this.#observed.set(pod.metadata?.uid ?? '', observed);
  }

  podByName(namespace: string, name: string): Pod | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  pods(): Iterable<Pod> {
    return this.#pods.values();
  }

  observed(uid: string): ObservedPod | undefined {
    return this.#observed.get(uid);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A kubelet API on loopback, with an authority whose certificates it takes and one caller who may do everything. */
export class TestKubeletApi {
  readonly authority: TestAuthority;
  readonly admin: KeyPair;
  readonly api: ReviewingApi;
  readonly pods: TestPods;
  readonly port: number;
  readonly #abort: AbortController;
  readonly #running: Promise<void>;

  private constructor(parts: {
    authority: TestAuthority;
    admin: KeyPair;
    api: ReviewingApi;
    pods: TestPods;
    port: number;
    abort: AbortController;
    running: Promise<void>;
  }) {
    this.authority = parts.authority;
    this.admin = parts.admin;
    this.api = parts.api;
    this.pods = parts.pods;
    this.port = parts.port;
    this.#abort = parts.abort;
    this.#running = parts.running;
  }

  static async start(options: Partial<KubeletApiOptions> = {}, wantedPort = 0): Promise<TestKubeletApi> {
    const authority = await TestAuthority.create();
    const admin = await authority.issue({ user: 'admin', groups: ['admins'] });
    const api = new ReviewingApi();
    const pods = new TestPods();
    const server = new KubeletApiServer({
      nodeName: 'node-1',
      provider: testProvider(),
      pods,
      api: api.client,
      serving: selfSignedServingCertificate({ names: ['node-1'], ips: ['127.0.0.1'], clock: systemClock }),
      clientCa: async () => authority.pem,
      tlsParameters: parseTlsParameters('VersionTLS12', ''),
      syncLoop: () => undefined,
      configuration: {
        port: 10_250,
        clusterDomain: 'cluster.local',
        clusterDns: ['10.96.0.10'],
        tlsMinVersion: 'VersionTLS12',
        tlsCipherSuites: [],
        rotateServerCertificates: false,
        streamIdleTimeoutMs: 4 * 3_600_000,
      },
      timeouts: { idleMs: 60_000, creationMs: 30_000, clock: systemClock },
      clock: systemClock,
      log: silentLogger,
      ...options,
    });
    const { port } = await server.listen({ host: '127.0.0.1', port: wantedPort });
    const abort = new AbortController();
    return new TestKubeletApi({ authority, admin, api, pods, port, abort, running: server.run(abort.signal) });
  }

  /** Ends the server; resolves when it has. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** A request of this server, as the caller with this certificate (the admin where none is said). */
  options(more: RequestOptions & { readonly as?: KeyPair | 'nobody' } = {}): RequestOptions {
    const { as = this.admin, ...rest } = more;
    const identity = as === 'nobody' ? {} : { cert: as.certificate, key: as.key };
    return { host: '127.0.0.1', port: this.port, rejectUnauthorized: false, agent: false, ...identity, ...rest };
  }

  /** Sends a request, by default a GET, and reads the whole answer. */
  get(path: string, more: RequestOptions & { readonly as?: KeyPair | 'nobody' } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(this.options({ path, ...more }), (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  }
}
