import { type Pod, podRef } from '../../../kubernetes/objects.ts';
import type { ProviderContext } from '../../../provider/provider.ts';
import { CodedError } from '../../../support/errors.ts';
import type { Attempt } from '../attempt.ts';
import type { FargateConfig } from '../config.ts';
import type { DefinitionRegistry } from '../definitions/definition-registry.ts';
import type { CallOptions, EcsApi } from '../ecs/ecs-api.ts';
import { type EcsTask, hasStopped } from '../ecs/ecs-task.ts';
import { resolvePod } from '../resolve/pod-inputs.ts';
import type { RoleAccount } from '../resolve/task-role.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import { podNotes } from '../translate/notes.ts';
import { refuseImpossible } from '../translate/refusals.ts';
import { runTaskInput } from '../translate/run-task.ts';
import { type Translation, translatePod } from '../translate/task-definition.ts';
import type { Launch } from './launch.ts';
import { consistencyMs } from './pod-book.ts';

export interface AttemptStarterOptions {
  readonly context: ProviderContext;
  readonly config: FargateConfig;
  readonly owner: string;
  readonly familyPrefix: string;
  readonly entryPrefix: string;
  readonly ecs: EcsApi;
  readonly definitions: DefinitionRegistry;
  readonly secrets: SecretStore;
  /** Of the cluster, for roles that are named without their account. */
  readonly account: () => RoleAccount;
}

/** A task that runs an attempt, which may have got a later number than was asked for. */
export interface StartedAttempt {
  readonly attempt: Attempt;
  readonly task: EcsTask;
  /** Entries of Secrets Manager that it reads. */
  readonly entries: readonly string[];
}

/**
 * Numbers that may turn out to be used up in one try, by an earlier process that nobody remembers; the next try goes on
 * behind them.
 */
const mostUsedNumbers = 10;
const mostDefinitionTries = 3;

/** Starts attempts: looks up what the pod refers to, puts its secrets away, finds its definition and runs its task. */
export class AttemptStarter {
  readonly #options: AttemptStarterOptions;

  constructor(options: AttemptStarterOptions) {
    this.#options = options;
  }

  /**
   * Runs an attempt's task, or gives the one that an earlier call for it made: its token is the attempt's own. Notes in
   * `launch` how far it came. Rejects with `InvalidInput` for what can never run here, `Capacity` where Fargate is full,
   * and otherwise with what may pass.
   */
  async start(pod: Pod, attempt: Attempt, launch: Launch, options: CallOptions): Promise<StartedAttempt> {
    const { context, config, familyPrefix, entryPrefix, secrets, account } = this.#options;
    refuseImpossible(pod, config);
    const { capacity } = config;
    const { namespace } = podRef(pod);
    const { inputs, entries } = await resolvePod(
      {
        pod,
        references: context.references,
        nodeIp: context.nodeIp,
        nodeAllocatable: { ...capacity, 'ephemeral-storage': capacity.storage },
        recordEvent: context.recordEvent,
        entryPrefix: `${entryPrefix}/${namespace}`,
        account: account(),
        defaultRoleArn: config.taskRoleArn,
      },
      options,
    );
    const secretArns = await secrets.ensure(entries, options);
    const translation = translatePod({ pod, inputs, config, secretArns, familyPrefix });
    const started = await this.#run(pod, attempt, launch, translation, options);
    if (attempt.number === 0) {
      for (const note of podNotes(pod, translation.size)) context.recordEvent({ pod: podRef(pod), ...note });
    }
    return { ...started, entries: entries.map(({ name }) => name) };
  }

  async #run(
    pod: Pod,
    first: Attempt,
    launch: Launch,
    translation: Translation,
    options: CallOptions,
  ): Promise<Pick<StartedAttempt, 'attempt' | 'task'>> {
    launch.number = Math.max(launch.number, first.number);
    const begun = launch.number;
    for (; launch.number < begun + mostUsedNumbers; launch.number++) {
      const attempt = { ...first, number: launch.number };
      const task = await this.#runOnce(pod, attempt, launch, translation, options);
      if (task !== undefined) return { attempt, task };
    }
    throw new CodedError(
      'Unavailable',
      `attempts ${begun} to ${launch.number - 1} of the pod are used up by tasks that ECS has forgotten; the next try goes on from there`,
    );
  }

  /** Undefined where the attempt's number was used by a task that ECS has forgotten. */
  async #runOnce(
    pod: Pod,
    attempt: Attempt,
    launch: Launch,
    { definition, overrides }: Translation,
    options: CallOptions,
  ): Promise<EcsTask | undefined> {
    const { context, config, owner, ecs, definitions } = this.#options;
    for (let tries = 0; tries < mostDefinitionTries; tries++) {
      const definitionArn = await definitions.arnOf(definition, options);
      const { clusterId, nodeName } = context;
      const input = runTaskInput({ pod, attempt, definitionArn, overrides, config, owner, clusterId, nodeName });
      const answer = await ecs.runTask(input, options);
      switch (answer.kind) {
        case 'task':
          return answer.task;
        case 'used':
          return this.#usedTask(answer.taskArns, launch, options);
        case 'lost':
          launch.unsureSinceMs = context.clock.now();
          throw answer.error;
        case 'no-definition':
          definitions.forget(definition.family);
      }
    }
    throw new CodedError('Unavailable', `ECS does not find task definition ${definition.family}, which is registered`);
  }

  /**
   * The live one of these, else any that ECS still knows. Undefined where ECS has forgotten them, which nobody can tell at
   * first from a task so new that ECS does not know it everywhere: until that has had its time, it is `Unavailable`.
   */
  async #usedTask(arns: readonly string[], launch: Launch, options: CallOptions): Promise<EcsTask | undefined> {
    const { ecs, context } = this.#options;
    const tasks = arns.length === 0 ? [] : await ecs.describeTasks(arns, options);
    const task = tasks.find((each) => !hasStopped(each)) ?? tasks[0];
    if (task !== undefined) return task;
    const nowMs = context.clock.now();
    launch.unsureSinceMs ??= nowMs;
    if (nowMs - launch.unsureSinceMs >= consistencyMs) return undefined;
    throw new CodedError(
      'Unavailable',
      `attempt ${launch.number} of the pod has a task already, which ECS does not know yet or has forgotten: ${arns.join(', ')}`,
    );
  }
}
