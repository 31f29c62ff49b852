import type { Node, Pod, PodRef } from '../kubernetes/objects.ts';
import type { Capabilities } from '../podspec/features/feature.ts';
import type { Refusal } from '../podspec/features/refusals.ts';
import type { RecordPodEvent } from '../podspec/pod-events.ts';
import type { PodReferences } from '../podspec/references.ts';
import type { ObservedPod } from '../podspec/status/observed.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type {
  AttachRequest,
  ExecRequest,
  ExecResult,
  PodConnection,
  PortForwardRequest,
  ProcessStreams,
} from './process-streams.ts';
import type { ProbeCount, Usage } from './usage.ts';

/** What a provider is given when it is made; making one starts nothing. */
export interface ProviderContext {
  readonly nodeName: string;
  /** Tells this cluster's pods from another's on the same backend; stays as long as the cluster does. */
  readonly clusterId: string;
  /** Path of `--provider-config`, where given. The provider reads and checks it; `InvalidInput` names key and value. */
  readonly configFile: string | undefined;
  /** The node's InternalIP: `status.hostIP` of its pods. */
  readonly nodeIp: string;
  readonly operatingSystem: string;
  readonly clusterDomain: string;
  /** Address of the cluster's DNS service; undefined leaves pods the provider's own resolver. */
  readonly clusterDnsIp: string | undefined;
  /** Where what must outlive us is kept: volumes, container logs. */
  readonly rootDir: string;
  readonly references: PodReferences;
  readonly recordEvent: RecordPodEvent;
  /** The process's variables, for those that are a convention of the backend (`CONTAINER_HOST`, `AWS_REGION`). */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
}

export type CreateProvider = (context: ProviderContext) => Promise<Provider>;

/** The part of the Node that is the provider's to say. */
export interface NodeOffer {
  /** cpu, memory, pods, storage and what else it has, as quantities. */
  readonly capacity: Readonly<Record<string, string>>;
  /** Where less than the capacity. */
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly architecture: string;
  readonly containerRuntimeVersion: string;
  readonly operatingSystem?: string;
  readonly osImage?: string;
  readonly kernelVersion?: string;
  /**
   * Conditions beside the five of every node (`OutOfDisk`, `KubeletConfigOk`) or in place of one of them. Of Ready only
   * the words count: the ping says whether it is.
   */
  readonly conditions?: NonNullable<NonNullable<Node['status']>['conditions']>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The node's `spec.providerID`, which the API server lets nobody change later. */
  readonly providerId?: string;
}

export interface OperationOptions {
  readonly signal: AbortSignal;
}

export interface DeletePodOptions extends OperationOptions {
  /** Seconds between asking the containers to end and killing them; 0 kills at once. */
  readonly gracePeriodSeconds: number;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Takes each new state of a pod, whole. Never throws and never waits. */
  readonly observe: (pod: ObservedPod) => void;
}

/**
 * Runs pods somewhere. Every method is idempotent and may be called again after a crash between its call and its
 * answer; none of them runs twice at the same time for one pod. Errors are `CodedError`s: `Terminal` and
 * `InvalidInput` end the pod as Failed, everything else is tried again by the caller with backoff.
 *
 * Once a pod is created, restarting its containers by its restartPolicy, probing them and telling their states is
 * the provider's work, without further calls.
 */
export interface Provider {
  /** The value of `--provider` and of the node's taint. */
  readonly name: string;
  readonly capabilities: Capabilities;

  /**
   * What of a new pod cannot be honoured beside the features that are refused as a whole: for its value, or for want of
   * something in the configuration. Reads nothing but the pod. `createPod` need not be asked about such a pod, and ends
   * it with the same words if it is.
   */
  readonly refusals?: ((pod: Pod) => readonly Refusal[]) | undefined;

  /** Asked once at start and again whenever a ping has succeeded after a failure. */
  describeNode(options: OperationOptions): Promise<NodeOffer>;

  /** Whether pods can be run now; rejects with the reason that the node's Ready condition then shows. */
  ping(options: OperationOptions): Promise<void>;

  /**
   * Pushes what it observes until the signal aborts, then resolves; running pods stay as they are. Starts by finding
   * what an earlier process of ours left running.
   */
  run(options: RunOptions): Promise<void>;

  /**
   * Takes the pod in hand and resolves when the backend has it; its containers may start later. A pod of this UID that
   * runs already is taken over as it is, with nothing started twice, and its state is pushed again; so is one that has
   * ended, and only what its restartPolicy wants is started.
   */
  createPod(pod: Pod, options: OperationOptions): Promise<void>;

  /**
   * Brings a pod that is in hand to a changed spec or metadata. `Terminal` and `InvalidInput` leave it running as it
   * is: the change is refused, not the pod.
   */
  updatePod(pod: Pod, options: OperationOptions): Promise<void>;

  /**
   * Begins to end the pod's containers and resolves; the end itself is told by `observe` (`ended`). Called again with
   * a shorter grace period, the shorter one counts. Exit codes stay observable until `releasePod`. `NotFound` where
   * the backend knows nothing of it.
   */
  deletePod(pod: PodRef, options: DeletePodOptions): Promise<void>;

  /**
   * Removes whatever is left of an ended pod (stopped containers, volumes, addresses); called when its object is gone
   * from the API server. Resolves where nothing is left.
   */
  releasePod(pod: PodRef, options: OperationOptions): Promise<void>;

  /** The pods of this node and this cluster that the backend still has, whoever started them. For recovery. */
  listPods(options: OperationOptions): Promise<readonly ObservedPod[]>;

  /** The log of one container; `NotFound` where there is none (yet). A chunk may be written over when the next is asked for. */
  readonly logs?: ((request: LogRequest, options: OperationOptions) => Promise<AsyncIterable<Uint8Array>>) | undefined;

  /**
   * Runs a command in a running container and resolves with its exit code when it has ended and its output has all
   * been written to `streams`. Rejects where it could not be run; the words are shown to who asked. The signal aborts
   * when the client has gone: then the command is ended, where the backend can do so, and the call rejects.
   */
  readonly exec?:
    | ((request: ExecRequest, streams: ProcessStreams, options: OperationOptions) => Promise<ExecResult>)
    | undefined;

  /**
   * Joins `streams` to the process of a running container, from now on, and resolves when its output ends. The signal
   * aborts when the client has gone; the container runs on. Input reaches it where its spec has `stdin`.
   */
  readonly attach?:
    | ((request: AttachRequest, streams: ProcessStreams, options: OperationOptions) => Promise<void>)
    | undefined;

  /**
   * Connects to a port inside the pod's network, at 127.0.0.1 as kubelet does where that can be reached, and resolves
   * when connected; the words of a rejection are shown to who asked. The caller destroys the connection; the signal
   * counts until it is made.
   */
  readonly portForward?:
    | ((request: PortForwardRequest, options: OperationOptions) => Promise<PodConnection>)
    | undefined;

  /**
   * What the pods use now. Asked each time that somebody scrapes, but within a second again only where a pod has started
   * since.
   */
  readonly usage?: ((options: OperationOptions) => Promise<Usage>) | undefined;

  /** Counts of probes, for /metrics/probes. Read from memory. */
  readonly probeCounts?: (() => Iterable<ProbeCount>) | undefined;
}

/** kubelet's PodLogOptions, checked. */
export interface LogRequest {
  readonly pod: PodRef;
  readonly container: string;
  /**
   * Of the attempt before the present one. Where the container waits to be started again, its last attempt is what both
   * values mean, as with kubelet.
   */
  readonly previous: boolean;
  readonly follow: boolean;
  /** Prefix each line with RFC 3339 and nanoseconds. */
  readonly timestamps: boolean;
  /** Last lines only; undefined for all. */
  readonly tailLines?: number;
  /** Lines since this moment, in milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly limitBytes?: number;
  /** One of the two only; undefined for both in the order in which they were written. */
  readonly stream?: 'stdout' | 'stderr';
}
