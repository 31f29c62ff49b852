import { Command, CommanderError, Option } from 'commander';
import { CodedError } from '../support/errors.ts';
import { type LogLevel, logLevels } from '../telemetry/log.ts';
import { defaultPositions, type SwitchPositions } from './switches/switches.ts';

/** Everything that can be set, checked. */
export interface LocalFargateOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly region: string;
  readonly accountId: string;
  readonly stateDir: string;
  readonly podmanSocket: string;
  /** A queue that is made, and told of each change of a task; undefined for none. */
  readonly eventQueue: string | undefined;
  readonly allowTmpfs: boolean;
  readonly switches: SwitchPositions;
  readonly logLevel: LogLevel;
}

export type LocalFargateInvocation =
  | { readonly kind: 'run'; readonly options: LocalFargateOptions }
  /** Help: print and leave. */
  | { readonly kind: 'print'; readonly text: string };

type RawFlags = Readonly<Record<string, string | boolean | undefined>>;

/** Reads the flags after `local-fargate`. Throws `InvalidInput` whose message has one line for every bad value. */
export function parseLocalFargate(argv: readonly string[]): LocalFargateInvocation {
  let invocation: LocalFargateInvocation | undefined;
  let printed = '';
  const program = define().action((flags: RawFlags) => {
    invocation = { kind: 'run', options: check(flags) };
  });
  program.configureOutput({
    writeOut: (text) => {
      printed += text;
    },
    writeErr: () => {},
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'print', text: printed.trimEnd() };
    throw new CodedError(
      'InvalidInput',
      `${error.message.replace(/^error: /, '')}\nSee: virtual-kubelet local-fargate --help`,
    );
  }
  if (invocation === undefined) throw new CodedError('Internal', 'the command line led to no command');
  return invocation;
}

function define(): Command {
  const program = new Command('virtual-kubelet local-fargate')
    .description(
      'Serves the AWS APIs that Fargate takes (ECS, CloudWatch Logs, Secrets Manager, …); tasks are containers here.',
    )
    .helpOption('-h, --help', 'print this help')
    .allowExcessArguments(false)
    .exitOverride();
  const flags: readonly (readonly [string, string])[] = [
    ['--host <address>', 'where to listen; whoever reaches it may run containers (default: 127.0.0.1)'],
    ['--port <number>', 'one for all services; 0 for any free one (default: 4566)'],
    ['--region <name>', 'the only region that is served (default: us-east-1)'],
    ['--account-id <number>', 'twelve digits (default: 000000000000)'],
    ['--state-dir <folder>', 'where everything is kept (default: /var/lib/virtual-kubelet/local-fargate)'],
    ['--podman-socket <path>', 'of the service that runs the containers (default: /run/podman/podman.sock)'],
    ['--event-queue <name>', 'an SQS queue that is told of each change of a task'],
    ['--allow-tmpfs', 'take linuxParameters.tmpfs, which older documentation denies to Fargate'],
    [
      '--start-latency <none|real>',
      'start tasks as fast as containers start, or about as slowly as Fargate (default: none)',
    ],
    ['--throttling <factor>', "of AWS's documented rates of calls; 0 for no limits (default: 1)"],
    ['--log-level <level>', `${logLevels.join(', ')} (default: info)`],
  ];
  for (const [names, description] of flags) program.addOption(new Option(names, description));
  return program.addHelpText('after', afterHelp);
}

const afterHelp = `
Credentials: any are accepted, but there must be some. Example:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  aws ecs create-cluster

Switches while it runs (see docs/local-fargate.md):
  curl http://127.0.0.1:4566/_local-fargate/switches
  curl -X PATCH -d '{"startLatency":"real"}' http://127.0.0.1:4566/_local-fargate/switches
`;

function check(flags: RawFlags): LocalFargateOptions {
  const problems: string[] = [];
  const text = (flag: string, fallback: string): string => {
    const value = flags[flag];
    return typeof value === 'string' ? value : fallback;
  };
  const matching = (name: string, value: string, { pattern, hint }: { pattern: RegExp; hint: string }): string => {
    if (!pattern.test(value)) problems.push(`${name}: "${value}" ${hint}`);
    return value;
  };
  const port = Number(text('port', '4566'));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    problems.push(`--port: "${text('port', '')}" is not a whole number from 0 to 65535`);
  }
  const startLatency = text('startLatency', defaultPositions.startLatency);
  if (startLatency !== 'none' && startLatency !== 'real') {
    problems.push(`--start-latency: "${startLatency}" is not known; use none or real`);
  }
  const throttling = Number(text('throttling', String(defaultPositions.throttling)));
  if (!(throttling >= 0)) problems.push(`--throttling: "${text('throttling', '')}" is not a number from 0`);
  const typedLevel = text('logLevel', 'info');
  const logLevel = logLevels.find((level) => level === typedLevel);
  if (!logLevel) problems.push(`--log-level: "${typedLevel}" is not known; use ${logLevels.join(', ')}`);
  const options: LocalFargateOptions = {
    host: text('host', '127.0.0.1'),
    port,
    region: matching('--region', text('region', 'us-east-1'), {
      pattern: /^[a-z]{2}(-[a-z]+)+-\d$/,
      hint: 'is not a region; write for example eu-central-1',
    }),
    accountId: matching('--account-id', text('accountId', '000000000000'), {
      pattern: /^\d{12}$/,
      hint: 'is not twelve digits',
    }),
    stateDir: text('stateDir', '/var/lib/virtual-kubelet/local-fargate'),
    podmanSocket: text('podmanSocket', '/run/podman/podman.sock'),
    eventQueue:
      typeof flags['eventQueue'] === 'string'
        ? matching('--event-queue', flags['eventQueue'], {
            pattern: /^[A-Za-z0-9_-]{1,80}$/,
            hint: 'is not the name of a queue; use up to 80 letters, digits, "-" and "_"',
          })
        : undefined,
    allowTmpfs: flags['allowTmpfs'] === true,
    switches: { ...defaultPositions, startLatency: startLatency === 'real' ? 'real' : 'none', throttling },
    logLevel: logLevel ?? 'info',
  };
  if (problems.length > 0) {
    throw new CodedError('InvalidInput', `${problems.join('\n')}\nSee: virtual-kubelet local-fargate --help`);
  }
  return options;
}
