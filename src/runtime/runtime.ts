/**
 * Containers, as an engine wants them: one sandbox (network, IPC, host name) shared by the containers in it. In the
 * manner of the CRI, and with no word of Kubernetes. Every method rejects with a `CodedError`; `NotFound` for an id or
 * name that does not exist, `AlreadyExists` for a name that is taken, `Unavailable` where the service does not answer.
 */
export interface Runtime {
  /** The scheme of container ids: `podman`. */
  readonly name: string;

  version(options: CallOptions): Promise<RuntimeVersion>;

  /** Makes the sandbox and brings its network up. */
  runSandbox(spec: SandboxSpec, options: CallOptions): Promise<Sandbox>;
  listSandboxes(filter: LabelFilter, options: CallOptions): Promise<readonly Sandbox[]>;
  /**
   * Takes the sandbox's network down and frees its addresses; it stays, no longer ready, with its ended containers and
   * their logs, until it is removed. Resolves where it is stopped or gone already.
   */
  stopSandbox(id: string, options: CallOptions): Promise<void>;
  /** Kills what runs in it, takes its network down and removes it with its containers; resolves where it is gone already. */
  removeSandbox(id: string, options: CallOptions): Promise<void>;

  /** Makes a container and does not start it. */
  createContainer(spec: ContainerSpec, options: CallOptions): Promise<string>;
  /**
   * Resolves where it runs already. `InvalidInput` where what it asks for cannot be (a command, folder or user that is not
   * there): it is then `exited`, with the `error`. `Conflict` where it has ended or its sandbox is not ready.
   */
  startContainer(id: string, options: CallOptions): Promise<void>;
  /**
   * Sends the image's stop signal, or SIGTERM, and SIGKILL `graceSeconds` later; resolves when the container has
   * ended, at once where it has already. Called again with a shorter grace, the earlier end counts.
   */
  stopContainer(id: string, graceSeconds: number, options: CallOptions): Promise<void>;
  /** Kills and removes; resolves where it is gone already. */
  removeContainer(id: string, options: CallOptions): Promise<void>;
  /** Containers of all states with their full state. One call to the backend for all, or a bounded number. */
  listContainers(filter: LabelFilter, options: CallOptions): Promise<readonly ContainerInfo[]>;
  inspectContainer(id: string, options: CallOptions): Promise<ContainerInfo>;
  /** Of a running container. All of them are set: what is left out is unlimited. `oomScoreAdj` stays as it was. */
  updateResources(id: string, resources: Resources, options: CallOptions): Promise<void>;

  /** Undefined where it is not in the local store. */
  findImage(reference: string, options: CallOptions): Promise<Image | undefined>;
  pullImage(reference: string, options: CallOptions & { readonly credentials?: RegistryCredentials }): Promise<Image>;

  /**
   * Runs a command to its end in a running container (`Conflict` in others). Output past `maxOutputBytes` (each stream) is
   * dropped. The command is killed when the signal aborts; one that cannot be run ends with 126 or 127, and why on stderr.
   */
  exec(
    id: string,
    request: { readonly command: readonly string[]; readonly maxOutputBytes: number },
    options: CallOptions,
  ): Promise<{ readonly exitCode: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }>;

  /**
   * Path of the container's log in CRI-like lines: `<RFC3339Nano> <stdout|stderr> <F|P> <text>`. Known by heart once the
   * container was listed or inspected: it may be asked for often.
   */
  logPath(id: string, options: CallOptions): Promise<string>;
  /**
   * Folder of this machine that holds what the container has written over its image; undefined where images and layers
   * are not kept in that way. Known by heart as the path of the log is.
   */
  writableLayer(id: string, options: CallOptions): Promise<string | undefined>;
  /**
   * Asks the process that writes a running container's log to go on in a new, empty file, which takes the place of the one
   * at `logPath`: what was written before is gone unless it has another name (a hard link). Resolves when it has been
   * asked; it does so soon, and without losing what the container writes meanwhile. Asked again before it has, it may.
   * `NotFound` or `Conflict` where nobody writes it any more.
   */
  reopenLog(id: string, options: CallOptions): Promise<void>;

  /**
   * Something happened to a container or sandbox with these labels; what, is for `inspectContainer` to say. Ends when
   * the service ends the stream, throws `Unavailable` where the connection breaks. Events while nobody listens are lost;
   * those after the first call of the iterator's `next` are not, also while the connection is still being made. Execs are
   * no events.
   */
  events(filter: LabelFilter, options: CallOptions): AsyncIterable<RuntimeEvent>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
}

export interface RuntimeVersion {
  readonly name: string;
  readonly version: string;
  /** In OCI words: amd64, arm64. */
  readonly architecture: string;
  readonly operatingSystem: string;
  readonly osImage: string;
  readonly kernelVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  /** How they are: `overlay` gives each container a folder of its own for what it writes, others do not. */
  readonly storageDriver?: string;
  /** Where images and writable layers are kept on this machine, where it says so. */
  readonly storagePath?: string;
}

/** Things that carry all of these labels. */
export type LabelFilter = Readonly<Record<string, string>>;

export interface SandboxSpec {
  /** Unique; a second sandbox of the name is refused. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly dns?: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  /** Share the host's network; then there is no IP of its own. */
  readonly hostNetwork: boolean;
  /** Containers see each other's processes. */
  readonly sharePids: boolean;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly hostPorts: readonly HostPort[];
  /** Of all that runs in it together, over and above what is said of each container. Undefined: no limits. */
  readonly resources?: Omit<Resources, 'oomScoreAdj'>;
}

export interface HostPort {
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}

export interface Sandbox {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ready: boolean;
  /** Empty with the host's network. */
  readonly ips: readonly string[];
  readonly createdAtMs: number;
}

export interface ContainerSpec {
  readonly sandboxId: string;
  /** Unique; a second container of the name is refused. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The id of an image in the local store. */
  readonly imageId: string;
  /** Undefined: the image's. */
  readonly entrypoint?: readonly string[];
  /** Undefined: the image's, unless `entrypoint` is given. */
  readonly command?: readonly string[];
  readonly workingDir?: string;
  /** Added to the image's. */
  readonly env: Readonly<Record<string, string>>;
  /** There is no /etc/hosts but the image's, unless one is mounted. */
  readonly mounts: readonly Mount[];
  readonly resources: Resources;
  /** `uid`, `uid:gid` or a name. Undefined: the image's. */
  readonly user?: string;
  readonly supplementalGroups: readonly number[];
  readonly readOnlyRoot: boolean;
  readonly privileged: boolean;
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  /** Which system calls it may make: all, or those of a profile on this machine. Undefined: the runtime's default. */
  readonly seccomp?: 'unconfined' | { readonly path: string };
  /**
   * Where it has its processes: among the machine's own (`host`), or in the namespace of that path, which is open until it
   * is started. Undefined: as its sandbox says.
   */
  readonly pidNamespace?: 'host' | { readonly path: string };
  /** It has the machine's IPC and not its sandbox's. Default false. */
  readonly hostIpc?: boolean;
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Limits of its processes. Those that are not named are as for every container of the runtime. */
  readonly ulimits?: readonly Ulimit[];
  /**
   * Process 1 is an init that hands signals on and reaps orphans; the command is its child. Not where processes are
   * shared: there the sandbox's own process 1 reaps. Default: the command is process 1.
   */
  readonly init?: boolean;
}

/** A limit of setrlimit(2). The runtime may lack the right to raise one: then the container fails to start. */
export interface Ulimit {
  /** In small letters and without prefix: `nofile`. */
  readonly name: string;
  /** −1 for none, as for `hard`. */
  readonly soft: number;
  readonly hard: number;
}

/** A file or folder of the host inside the container, or memory. */
export type Mount =
  | { readonly kind: 'bind'; readonly source: string; readonly target: string; readonly readOnly: boolean }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly sizeBytes?: number };

export interface Resources {
  /** Relative weight, as cgroup v1's cpu.shares (2–262,144). */
  readonly cpuShares?: number;
  /** Microseconds of CPU time per period; undefined for no limit. */
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly memoryLimitBytes?: number;
  /** −1000 to 1000. */
  readonly oomScoreAdj?: number;
}

export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly imageId: string;
  readonly createdAtMs: number;
  readonly state:
    | { readonly kind: 'created' }
    | { readonly kind: 'running'; readonly startedAtMs: number; readonly pid: number }
    | {
        readonly kind: 'exited';
        readonly startedAtMs: number;
        readonly finishedAtMs: number;
        readonly exitCode: number;
        readonly oomKilled: boolean;
        /** Why it could not be started at all. */
        readonly error?: string;
      };
}

export interface Image {
  readonly id: string;
  /** `docker.io/library/nginx@sha256:…` where it came from a registry. */
  readonly repoDigest?: string;
  readonly repoTags: readonly string[];
  readonly user: string;
  readonly sizeBytes: number;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

export interface RuntimeEvent {
  readonly containerId?: string;
  readonly sandboxId?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** create, start, died, remove, …: for logs only. */
  readonly action: string;
}
