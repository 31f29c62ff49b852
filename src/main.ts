#!/usr/bin/env node
import { type Invocation, parseInvocation } from './options.ts';
import { CodedError, hasCode, messageOf } from './support/errors.ts';
import { createLogger } from './telemetry/log.ts';
import { version } from './version.ts';
import { initNode, runVirtualKubelet } from './virtual-kubelet.ts';

/** How long the end may take after SIGTERM before we leave without it; a pod's default grace is 30 s. */
const shutdownDeadlineMs = 20_000;

process.exitCode = await main(process.argv.slice(2));

/** Runs to the end and gives the exit code: 0 as asked, 1 failed, 2 bad usage. */
async function main(argv: readonly string[]): Promise<number> {
  let invocation: Invocation;
  try {
    invocation = parseInvocation(argv, process.env, version);
  } catch (error) {
    return complain(error);
  }
  if (invocation.kind === 'print') {
    process.stdout.write(`${invocation.text}\n`);
    return 0;
  }
  const { options } = invocation;
  const log = createLogger(options.logLevel);
  if (options.ignoredFlags.length > 0) log.warn(`These flags have no effect here: ${options.ignoredFlags.join(', ')}`);
  // Waiting alone does not keep a process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  const ended = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (ended.signal.aborted) {
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
  try {
    const run = invocation.kind === 'run' ? runVirtualKubelet : initNode;
    await run(options, { signal: ended.signal, log, version, environment: process.env });
    return 0;
  } catch (error) {
    if (ended.signal.aborted && error === ended.signal.reason) return 0;
    return complain(error);
  } finally {
    clearInterval(alive);
  }
}

function complain(error: unknown): number {
  process.stderr.write(`virtual-kubelet: ${messageOf(error)}\n`);
  if (!(error instanceof CodedError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return hasCode(error, 'InvalidInput') ? 2 : 1;
}
