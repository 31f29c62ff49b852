import { measureFolders } from '../../engine/disk/measure-folders.ts';
import { hostMounts } from '../../engine/disk/mounts.ts';
import { Engine } from '../../engine/engine.ts';
import type { Pod, PodRef } from '../../kubernetes/objects.ts';
import type { Refusal } from '../../podspec/features/refusals.ts';
import { parseQuantity, wholeUnits } from '../../podspec/resources/quantity.ts';
import type { ObservedPod } from '../../podspec/status/observed.ts';
import type {
  AttachRequest,
  ExecRequest,
  ExecResult,
  PodConnection,
  PortForwardRequest,
  ProcessStreams,
} from '../../provider/process-streams.ts';
import type {
  DeletePodOptions,
  LogRequest,
  NodeOffer,
  OperationOptions,
  Provider,
  ProviderContext,
  RunOptions,
} from '../../provider/provider.ts';
import type { ProbeCount, Usage } from '../../provider/usage.ts';
import { LibpodRuntime } from '../../runtime/libpod/libpod-runtime.ts';
import { CgroupUsage } from '../../runtime/libpod/usage/cgroup-usage.ts';
import { readMachineNetwork } from '../../runtime/libpod/usage/machine-network.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ContainerSessions } from '../../runtime/sessions.ts';
import type { UsageSource } from '../../runtime/usage.ts';
import type { Clock } from '../../support/clock.ts';
import { makeOwnFolder } from '../../support/own-folder.ts';
import { capabilities } from './capabilities.ts';
import { type PodmanConfig, readPodmanConfig } from './config.ts';
import { nodeOffer } from './node-offer.ts';
import { readNodeUsage } from './node-usage.ts';
import { OwnUsage } from './own-usage.ts';
import { podmanRefusals } from './refusals.ts';
import { PodSessions } from './sessions.ts';
import { readUsage } from './usage.ts';

export { capabilities } from './capabilities.ts';

/** One list of all containers a minute costs Podman little, and finds what events did not tell. */
const resyncMs = 60_000;

const probeNames = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' } as const;

/** Runs pods as containers of the Podman on this machine. Podman need not answer yet; the root folder must be usable. */
export async function createProvider(context: ProviderContext): Promise<Provider> {
  const config = await readPodmanConfig(context.configFile, context.environment?.['CONTAINER_HOST']);
  await makeOwnFolder(context.rootDir, '--root-dir');
  const { clock, log } = context;
  const runtime = new LibpodRuntime({ socketPath: config.socket, clock, log });
  return new PodmanProvider(context, { config, runtime });
}

class PodmanProvider implements Provider {
  readonly name = 'podman';
  readonly capabilities = capabilities;
  readonly #runtime: Runtime;
  readonly #config: PodmanConfig;
  readonly #engine: Engine;
  readonly #sessions: PodSessions;
  readonly #rootDir: string;
  readonly #clock: Clock;
  readonly #usageSource: UsageSource;
  readonly #ownUsage: OwnUsage;
  #offer: NodeOffer | undefined;
  #storagePath: string | undefined;
  #storageDriver: string | undefined;

  constructor(
    context: ProviderContext,
    { config, runtime }: { readonly config: PodmanConfig; readonly runtime: Runtime & ContainerSessions },
  ) {
    const { nodeName, clusterId, nodeIp, clusterDomain, clusterDnsIp } = context;
    this.#runtime = runtime;
    this.#config = config;
    this.#engine = new Engine(
      {
        runtime,
        owner: { nodeName, clusterId },
        node: {
          ip: nodeIp,
          clusterDomain,
          clusterDnsIp,
          allocatable: async (options) => (this.#offer ?? (await this.describeNode(options))).capacity,
        },
        rootDir: context.rootDir,
        mounts: hostMounts,
        measureFolders,
        references: context.references,
        recordEvent: context.recordEvent,
        clock: context.clock,
        random: Math.random,
        log: context.log,
      },
      {
        workers: 16,
        parallelPulls: 4,
        parallelStarts: 8,
        resyncMs,
        logs: {
          maxBytes: wholeUnits(parseQuantity(config.containerLogMaxSize)),
          maxFiles: config.containerLogMaxFiles,
        },
      },
    );
    this.#rootDir = context.rootDir;
    this.#clock = context.clock;
    this.#usageSource = new CgroupUsage({ clock: context.clock });
    this.#ownUsage = new OwnUsage(context.clock);
    this.#sessions = new PodSessions({ runtime, find: (uid) => this.#engine.actualPod(uid) });
  }

  async describeNode(options: OperationOptions): Promise<NodeOffer> {
    const version = await this.#runtime.version(options);
    this.#storagePath = version.storagePath;
    this.#storageDriver = version.storageDriver;
    this.#offer = nodeOffer(version, this.#config);
    return this.#offer;
  }

  refusals(pod: Pod): readonly Refusal[] {
    return podmanRefusals(pod, this.#storageDriver);
  }

  async ping(options: OperationOptions): Promise<void> {
    await this.#runtime.version(options);
  }

  run(options: RunOptions): Promise<void> {
    return this.#engine.run(options);
  }

  createPod(pod: Pod, options: OperationOptions): Promise<void> {
    return this.#engine.createPod(pod, options);
  }

  updatePod(pod: Pod, options: OperationOptions): Promise<void> {
    return this.#engine.updatePod(pod, options);
  }

  deletePod(pod: PodRef, options: DeletePodOptions): Promise<void> {
    return this.#engine.deletePod(pod, options);
  }

  releasePod(pod: PodRef, options: OperationOptions): Promise<void> {
    return this.#engine.releasePod(pod, options);
  }

  listPods(options: OperationOptions): Promise<readonly ObservedPod[]> {
    return this.#engine.listPods(options);
  }

  *probeCounts(): Iterable<ProbeCount> {
    for (const { ref: pod, container, kind, successful, failed, unknown } of this.#engine.probeCounts()) {
      yield { pod, container, probe: probeNames[kind], successful, failed, unknown };
    }
  }

  logs({ pod, ...request }: LogRequest, options: OperationOptions): Promise<AsyncIterable<Uint8Array>> {
    return this.#engine.readLog(pod, request, options);
  }

  exec(request: ExecRequest, streams: ProcessStreams, options: OperationOptions): Promise<ExecResult> {
    return this.#sessions.exec(request, streams, options);
  }

  attach(request: AttachRequest, streams: ProcessStreams, options: OperationOptions): Promise<void> {
    return this.#sessions.attach(request, streams, options);
  }

  portForward(request: PortForwardRequest, options: OperationOptions): Promise<PodConnection> {
    return this.#sessions.portForward(request, options);
  }

  async usage(options: OperationOptions): Promise<Usage> {
    const { capacity } = this.#offer ?? (await this.describeNode(options));
    const node = await readNodeUsage({
      capacity,
      rootDir: this.#rootDir,
      storagePath: this.#storagePath,
      network: readMachineNetwork(),
      timeMs: this.#clock.now(),
    });
    const { pods } = await readUsage(
      {
        source: this.#usageSource,
        sizes: this.#engine,
        pods: this.#engine.actualPods(),
      },
      options,
    );
    return { node: { ...node, kubelet: this.#ownUsage.read() }, pods };
  }
}
