import { parseInvocation } from './options.ts';
import { readSignals } from './stop-signals.ts';
import { systemClock } from './support/clock.ts';
import { CodedError, hasCode, messageOf } from './support/errors.ts';
import { createLogger, type LogLevel } from './telemetry/log.ts';
import { version } from './version.ts';
import { initNode, runVirtualKubelet, type Surroundings } from './virtual-kubelet.ts';

/** How long the end may take after SIGTERM before we leave without it; a pod's default grace is 30 s. */
const shutdownDeadlineMs = 20_000;

/** What the command line asks for. */
type Task =
  | { readonly kind: 'print'; readonly text: string }
  | {
      readonly kind: 'run';
      readonly logLevel: LogLevel;
      readonly ignoredFlags: readonly string[];
      readonly run: (surroundings: Surroundings) => Promise<void>;
    };

process.exitCode = await main(process.argv.slice(2));

/** Runs to the end and gives the exit code: 0 as asked, 1 failed, 2 bad usage. */
async function main(argv: readonly string[]): Promise<number> {
  try {
    const task = await parse(argv);
    if (task.kind === 'run') return await runUntilSignal(task);
    process.stdout.write(`${task.text}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`virtual-kubelet: ${messageOf(error)}\n`);
    if (!(error instanceof CodedError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return hasCode(error, 'InvalidInput') ? 2 : 1;
  }
}

async function parse([first, ...rest]: readonly string[]): Promise<Task> {
  if (first === 'local-fargate') {
    // A service of its own, whose weight the node need not carry.
    const { parseLocalFargate } = await import('./local-fargate/options.ts');
    const { runLocalFargate } = await import('./local-fargate/local-fargate.ts');
    const invocation = parseLocalFargate(rest);
    if (invocation.kind === 'print') return invocation;
    const { options } = invocation;
    const run: (surroundings: Surroundings) => Promise<void> = ({ signal, log }) =>
      runLocalFargate(options, { signal, log, clock: systemClock });
    return { kind: 'run', logLevel: options.logLevel, ignoredFlags: [], run };
  }
  const invocation = parseInvocation(first === undefined ? [] : [first, ...rest], process.env, version);
  if (invocation.kind === 'print') return invocation;
  const { options, kind } = invocation;
  const run = kind === 'run' ? runVirtualKubelet : initNode;
  const { logLevel, ignoredFlags } = options;
  return { kind: 'run', logLevel, ignoredFlags, run: (surroundings) => run(options, surroundings) };
}

async function runUntilSignal(task: Task & { kind: 'run' }): Promise<number> {
  const log = createLogger(task.logLevel);
  if (task.ignoredFlags.length > 0) log.warn(`These flags have no effect here: ${task.ignoredFlags.join(', ')}`);
  const ended = new AbortController();
  const read = readSignals(systemClock);
  const stop = (signal: NodeJS.Signals): void => {
    const meaning = read();
    if (meaning === 'same') return;
    if (meaning === 'leave') {
      log.warn(`${signal} again: leaving at once. Pods stay as they are`);
      process.exit(1);
    }
    log.info(`${signal}: stopping. Pods stay as they are`);
    ended.abort(new CodedError('Terminal', `stopped by ${signal}`));
    setTimeout(() => {
      log.error(`Not stopped within ${shutdownDeadlineMs} ms: leaving without it`);
      process.exit(1);
    }, shutdownDeadlineMs).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Waiting alone does not keep a process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    await task.run({ signal: ended.signal, log, version, environment: process.env });
    return 0;
  } catch (error) {
    if (ended.signal.aborted && error === ended.signal.reason) return 0;
    throw error;
  } finally {
    clearInterval(alive);
  }
}
