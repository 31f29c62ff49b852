import { type Logger as PinoLogger, pino } from 'pino';
import pretty from 'pino-pretty';
import { CodedError, messageOf } from '../support/errors.ts';
import type { LogFields, Logger } from '../support/logger.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A logger on standard error: JSON lines, or words where a person looks at a terminal. */
export function createLogger(level: LogLevel): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: levelByName } };
  const words = { destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' } as const;
  return adapt(process.stderr.isTTY ? pino(options, pretty(words)) : pino(options, pino.destination(2)));
}

function levelByName(label: string): { level: string } {
  return { level: label };
}

function adapt(target: PinoLogger): Logger {
  return {
    debug: (message, fields) => target.debug(plain(fields), message),
    info: (message, fields) => target.info(plain(fields), message),
    warn: (message, fields) => target.warn(plain(fields), message),
    error: (message, fields) => target.error(plain(fields), message),
    with: (fields) => adapt(target.child(plain(fields))),
  };
}

/** Errors become their message with all causes; the stack only where the error is a defect of ours. */
function plain(fields: LogFields = {}): Record<string, unknown> {
  const { error, ...rest } = fields;
  if (error === undefined) return rest;
  if (error instanceof CodedError) return { ...rest, error: messageOf(error), code: error.code };
  return { ...rest, error: messageOf(error), ...(error instanceof Error ? { stack: error.stack } : {}) };
}
