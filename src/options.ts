import { Command, CommanderError } from 'commander';
import { afterHelp, defineFlags } from './flags.ts';
import {
  dnsDomain,
  flagIsTrue,
  folder,
  ipAddress,
  type ListenAddress,
  listenAddress,
  nodeName,
  oneOf,
  reachableAddress,
  resyncPeriodMs,
  streamTimeoutMs,
  taintKey,
  taintValue,
  wholeNumber,
} from './option-values.ts';
import { parseDurationMs } from './support/duration.ts';
import { CodedError, messageOf } from './support/errors.ts';
import { type LogLevel, logLevels } from './telemetry/log.ts';

export interface TaintOptions {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** Everything that can be set, checked. */
export interface Options {
  /** Undefined: $KUBECONFIG, ~/.kube/config, then the service account of the pod we run in. */
  readonly kubeconfig: string | undefined;
  readonly nodeName: string;
  readonly operatingSystem: 'linux' | 'windows';
  readonly provider: string;
  readonly providerConfig: string | undefined;
  readonly clusterDomain: string;
  readonly clusterDnsIp: string | undefined;
  /** Undefined: the address from which the API server is reached. */
  readonly nodeIp: string | undefined;
  readonly rootDir: string;
  /** Undefined: no taint. `value` is the provider's name where it was not given. */
  readonly taint: TaintOptions | undefined;
  readonly podSyncWorkers: number;
  /** 0: never. */
  readonly fullResyncPeriodMs: number;
  /** 0: wait for the API server as long as it takes. */
  readonly startupTimeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly streamCreationTimeoutMs: number;
  readonly kubeletPort: number;
  readonly tls: {
    readonly certificateFile: string | undefined;
    readonly keyFile: string | undefined;
    /** Ask the cluster's signer for a serving certificate, and for the next one in time. */
    readonly requestCertificate: boolean;
    /** Who may call us: signers of client certificates. Undefined: the cluster's own authority. */
    readonly clientCaFile: string | undefined;
    /** In kubelet's words: `VersionTLS12`. */
    readonly minVersion: string;
    /** IANA names, separated by commas; empty for the default. */
    readonly cipherSuites: string;
  };
  /** Undefined: not served. */
  readonly metricsAddress: ListenAddress | undefined;
  readonly logLevel: LogLevel;
  /** Flags that are accepted for compatibility and do nothing, to be said once. */
  readonly ignoredFlags: readonly string[];
}

export type Invocation =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'init-node'; readonly options: Options }
  /** Help or version: print and leave. */
  | { readonly kind: 'print'; readonly text: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** What commander hands over: strings, as typed. */
type RawFlags = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Reads the command line (without node and script) and the environment. Throws `InvalidInput` whose message has one
 * line for every bad value.
 */
export function parseInvocation(argv: readonly string[], environment: Environment, version: string): Invocation {
  const klogFlags = argv.filter((argument) => argument.startsWith('--klog.'));
  const rest = argv.filter((argument) => !argument.startsWith('--klog.'));
  let invocation: Invocation | undefined;
  let printed = '';
  const program = defineProgram(version, (kind, flags) => {
    invocation = { kind, options: checkOptions(flags, environment, klogFlags) };
  });
  program.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => {},
  });
  try {
    program.parse([...rest], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: printed.trimEnd() };
    throw new CodedError('InvalidInput', `${error.message.replace(/^error: /, '')}\nSee: virtual-kubelet --help`);
  }
  if (invocation === undefined) throw new CodedError('Internal', 'the command line led to no command');
  return invocation;
}

function defineProgram(version: string, chosen: (kind: 'run' | 'init-node', flags: RawFlags) => void): Command {
  const program = new Command('virtual-kubelet')
    .description('Registers a node in a Kubernetes cluster and runs the pods bound to it on a provider.')
    .version(`virtual-kubelet ${version}`, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .exitOverride();
  for (const option of defineFlags()) program.addOption(option);
  program.action((flags: RawFlags) => chosen('run', flags));
  program.addHelpText('after', afterHelp);
  program
    .command('local-fargate')
    .description('Serve the AWS APIs of Fargate here, each task as real containers. It has flags of its own: --help.');
  program
    .command('init-node')
    .description(
      'Create the node, or add to it the labels and the taint that a node may not give itself ' +
        '(NodeRestriction), and leave. Run it first, as a service account with deploy/init-node-role.',
    )
    .allowExcessArguments(false)
    .exitOverride()
    .action((_flags: RawFlags, command: Command) => chosen('init-node', command.optsWithGlobals<RawFlags>()));
  return program;
}

/** Collects what is wrong, so that all of it is said at once. */
class Problems {
  readonly #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line);
  }

  /** The value of `read`, or undefined after noting what was wrong with `name`. */
  try<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.add(`${name}: ${messageOf(error)}`);
      return undefined;
    }
  }

  throwIfAny(): void {
    if (this.#lines.length > 0) {
      throw new CodedError('InvalidInput', `${this.#lines.join('\n')}\nSee: virtual-kubelet --help`);
    }
  }
}

type ReadText = (flag: string, variable?: string) => string | undefined;

function checkOptions(flags: RawFlags, environment: Environment, klogFlags: readonly string[]): Options {
  const problems = new Problems();
  /** A flag as typed, else the variable; an empty variable counts as unset. */
  const text: ReadText = (flag, variable) => {
    const typed = flags[flag];
    if (typeof typed === 'string') return typed;
    return variable === undefined ? undefined : environment[variable] || undefined;
  };
  /** What `read` makes of a flag or variable, or `fallback` where neither is set; the one that is wrong is named. */
  const checked = <T, F>(
    flag: string,
    {
      fallback,
      read,
      variable,
    }: { readonly fallback: F; readonly read: (text: string) => T; readonly variable?: string },
  ): T | F => {
    const typed = text(flag, variable);
    if (typed === undefined) return fallback;
    return problems.try(sourceOf(flags, flag, variable), () => read(typed)) ?? fallback;
  };

  const provider = text('provider') ?? '';
  if (provider === '') problems.add('--provider: say what shall run the pods, for example --provider podman');
  const exporter = text('traceExporter');
  if (exporter !== undefined) problems.add(`--trace-exporter: "${exporter}" is not known; no exporter is built in yet`);
  const options: Options = {
    kubeconfig: text('kubeconfig', 'KUBECONFIG'),
    nodeName: checked('nodename', { variable: 'DEFAULT_NODE_NAME', fallback: 'virtual-kubelet', read: nodeName }),
    operatingSystem: checked('os', {
      fallback: 'linux',
      read: (name) => oneOf(name.toLowerCase(), ['linux', 'windows'] as const),
    }),
    provider,
    providerConfig: text('providerConfig'),
    clusterDomain: checked('clusterDomain', { fallback: 'cluster.local', read: dnsDomain }),
    clusterDnsIp: checked('clusterDns', { fallback: undefined, read: ipAddress }),
    nodeIp: checked('nodeIp', { variable: 'VKUBELET_POD_IP', fallback: undefined, read: reachableAddress }),
    rootDir: checked('rootDir', { fallback: '/var/lib/virtual-kubelet', read: folder }),
    taint: problems.try('--disable-taint', () => flagIsTrue(flags['disableTaint']))
      ? undefined
      : {
          key: checked('taint', {
            variable: 'VKUBELET_TAINT_KEY',
            fallback: 'virtual-kubelet.io/provider',
            read: taintKey,
          }),
          value: checked('', { variable: 'VKUBELET_TAINT_VALUE', fallback: provider, read: taintValue }),
          effect: checked('', {
            variable: 'VKUBELET_TAINT_EFFECT',
            fallback: 'NoSchedule',
            read: (effect) => oneOf(effect, taintEffects),
          }),
        },
    podSyncWorkers: checked('podSyncWorkers', { fallback: 10, read: (count) => wholeNumber(count, 1, 10_000) }),
    fullResyncPeriodMs: checked('fullResyncPeriod', { fallback: 60_000, read: resyncPeriodMs }),
    startupTimeoutMs: checked('startupTimeout', { fallback: 0, read: parseDurationMs }),
    streamIdleTimeoutMs: checked('streamIdleTimeout', { fallback: 4 * 3_600_000, read: streamTimeoutMs }),
    streamCreationTimeoutMs: checked('streamCreationTimeout', { fallback: 30_000, read: streamTimeoutMs }),
    kubeletPort: checked('', {
      variable: 'KUBELET_PORT',
      fallback: 10_250,
      read: (port) => wholeNumber(port, 0, 65_535),
    }),
    tls: {
      certificateFile: text('tlsCertFile', 'APISERVER_CERT_LOCATION'),
      keyFile: text('tlsPrivateKeyFile', 'APISERVER_KEY_LOCATION'),
      requestCertificate:
        problems.try('--rotate-server-certificates', () => flagIsTrue(flags['rotateServerCertificates'])) ?? false,
      clientCaFile: text('clientCaFile', 'APISERVER_CA_CERT_LOCATION'),
      minVersion: text('tlsMinVersion') ?? 'VersionTLS12',
      cipherSuites: text('tlsCipherSuites') ?? '',
    },
    metricsAddress: problems.try('--metrics-addr', () => listenAddress(text('metricsAddr') ?? ':10255')),
    logLevel: checked('logLevel', { fallback: 'info', read: (level) => oneOf(level.toLowerCase(), logLevels) }),
    ignoredFlags: [
      ...klogFlags.map((flag) => flag.replace(/=.*/s, '')),
      ...ignored.filter(([key]) => flags[key] !== undefined).map(([, name]) => name),
    ],
  };
  if ((options.tls.certificateFile === undefined) !== (options.tls.keyFile === undefined)) {
    problems.add('--tls-cert-file and --tls-private-key-file: give both or neither');
  }
  if (options.tls.requestCertificate && options.tls.certificateFile !== undefined) {
    problems.add('--rotate-server-certificates: leave it out where --tls-cert-file says what to serve');
  }
  problems.throwIfAny();
  return options;
}

/** Where a value comes from, as the operator wrote it: `--node-ip`, or the variable in its stead. */
function sourceOf(flags: RawFlags, flag: string, variable: string | undefined): string {
  if (variable !== undefined && typeof flags[flag] !== 'string') return variable;
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const ignored = [
  ['namespace', '--namespace'],
  ['enableNodeLease', '--enable-node-lease'],
  ['traceSampleRate', '--trace-sample-rate'],
  ['traceServiceName', '--trace-service-name'],
  ['traceTag', '--trace-tag'],
] as const;

const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;
