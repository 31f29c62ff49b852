import type { Container } from '../../kubernetes/objects.ts';
import { expandedCommand } from '../../podspec/environment/expand.ts';
import type { ProbeSettings } from '../../podspec/probes/probe-settings.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { failure, maxOutputBytes, type ProbeTarget, success, type Try } from './probe-target.ts';

type Exec = NonNullable<ProbeSettings['handler']['exec']>;

/** A command in the container that has to end with 0. */
export async function tryExec(
  runtime: Pick<Runtime, 'exec'>,
  { command = [] }: Exec,
  { target, signal }: { readonly target: ProbeTarget; readonly signal: AbortSignal },
): Promise<Try> {
  const filled = expandedCommand({ command }, plainVariables(target.container)).command ?? [];
  const { exitCode, stdout, stderr } = await runtime.exec(target.id, { command: filled, maxOutputBytes }, { signal });
  return exitCode === 0 ? success : failure(Buffer.concat([stdout, stderr]).toString().slice(0, maxOutputBytes));
}

/** Those that the spec gives a value; others are not known outside the container. */
function plainVariables({ env = [] }: Container): Readonly<Record<string, string>> {
  return Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}
