import type { Container, Pod } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import { httpGet, httpTarget } from '../network/http-get.ts';
import type { LifecycleHandler } from '../plan/action.ts';

export interface HookRun {
  readonly hook: LifecycleHandler;
  readonly pod: Pod;
  readonly container: Container;
  /** Of the container on the runtime. */
  readonly id: string;
  readonly podIp: string | undefined;
  readonly signal: AbortSignal;
}

const maxOutputBytes = 1024;

/** Runs a postStart or preStop hook to its end; rejects where it fails (kubelet's `handlerRunner.Run`). */
export async function runHook(
  { runtime, clock }: Pick<EngineContext, 'runtime' | 'clock'>,
  run: HookRun,
): Promise<void> {
  const { hook, container, id, podIp, signal } = run;
  if (hook.exec) {
    const command = hook.exec.command ?? [];
    const { exitCode, stdout, stderr } = await runtime.exec(id, { command, maxOutputBytes }, { signal });
    if (exitCode === 0) return;
    const output = Buffer.concat([stdout, stderr]).toString();
    throw new CodedError(
      'Internal',
      `Exec lifecycle hook (${command.join(' ')}) for Container "${container.name}" failed with exit code ${exitCode}, message: "${output}"`,
    );
  }
  if (hook.httpGet) {
    await httpGet(httpTarget(hook.httpGet, container, podIp), {
      userAgent: 'kube-lifecycle',
      maxBytes: 10_240,
      signal,
    });
    return;
  }
  if (hook.sleep) return await clock.sleep(hook.sleep.seconds * 1000, { signal });
  throw new CodedError('InvalidInput', 'a hook has to have one of exec, httpGet and sleep');
}
