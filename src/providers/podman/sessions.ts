import type { Duplex } from 'node:stream';
import { type ActualPod, runningAttempts } from '../../engine/pod/actual-pod.ts';
import type { PodRef } from '../../kubernetes/objects.ts';
import type {
  AttachRequest,
  ExecRequest,
  ExecResult,
  PortForwardRequest,
  ProcessStreams,
} from '../../provider/process-streams.ts';
import type { OperationOptions } from '../../provider/provider.ts';
import type { ContainerSessions } from '../../runtime/sessions.ts';
import { CodedError } from '../../support/errors.ts';

/** What the engine has of a pod; undefined for nothing. */
export type FindPod = (uid: string) => ActualPod | undefined;

/** People at the containers of pods: finds the container or sandbox that is meant. */
export class PodSessions {
  readonly #runtime: ContainerSessions;
  readonly #find: FindPod;

  constructor({ runtime, find }: { readonly runtime: ContainerSessions; readonly find: FindPod }) {
    this.#runtime = runtime;
    this.#find = find;
  }

  async exec(
    { pod, container, command, tty }: ExecRequest,
    streams: ProcessStreams,
    { signal }: OperationOptions,
  ): Promise<ExecResult> {
    return await this.#runtime.runCommand(
      this.#runningContainer(pod, container),
      { command, tty },
      { ...streams, signal },
    );
  }

  async attach(
    { pod, container, tty }: AttachRequest,
    streams: ProcessStreams,
    { signal }: OperationOptions,
  ): Promise<void> {
    await this.#runtime.attach(this.#runningContainer(pod, container), { tty }, { ...streams, signal });
  }

  async portForward({ pod, port }: PortForwardRequest, options: OperationOptions): Promise<Duplex> {
    const sandbox = this.#find(pod.uid)?.sandboxes.find(({ ready }) => ready);
    if (sandbox === undefined) throw new CodedError('NotFound', `pod ${pod.name} has no network: it does not run`);
    return await this.#runtime.connect(sandbox.id, port, options);
  }

  #runningContainer(pod: PodRef, name: string): string {
    const actual = this.#find(pod.uid);
    const running = actual && runningAttempts(actual).find((attempt) => attempt.name === name);
    if (running === undefined) throw new CodedError('NotFound', `container ${name} of pod ${pod.name} does not run`);
    return running.id;
  }
}
