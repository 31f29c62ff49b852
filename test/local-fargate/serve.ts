import { writeFileSync } from 'node:fs';
import { runLocalFargate } from '../../src/local-fargate/local-fargate.ts';
import { parseLocalFargate } from '../../src/local-fargate/options.ts';
import { systemClock } from '../../src/support/clock.ts';
import { createLogger } from '../../src/telemetry/log.ts';

/** `node serve.ts <pid file> <flags of local-fargate>`: a process that can be killed. */
const [pidFile = '', ...flags] = process.argv.slice(2);
const invocation = parseLocalFargate(flags);
if (invocation.kind !== 'run') throw new Error(invocation.text);
writeFileSync(pidFile, String(process.pid));
const ended = new AbortController();
process.once('SIGTERM', () => ended.abort(new Error('SIGTERM')));
const log = createLogger(invocation.options.logLevel);
await runLocalFargate(invocation.options, { signal: ended.signal, log, clock: systemClock });
