import type { Clock } from '../../../support/clock.ts';
import { CodedError, hasCode } from '../../../support/errors.ts';
import type { CallOptions, EcsApi } from '../ecs/ecs-api.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import type { Translation } from '../translate/task-definition.ts';

interface Known {
  readonly arn: string;
  usedAtMs: number;
}

/**
 * Task definitions by content: the family's name says what is in it, so one that is there is as good as a new one, and a
 * hundred pods that want the same at the same time register it once.
 */
export class DefinitionRegistry {
  readonly #ecs: EcsApi;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #mutex = new KeyedMutex();

  constructor({ ecs, clock }: { readonly ecs: EcsApi; readonly clock: Clock }) {
    this.#ecs = ecs;
    this.#clock = clock;
  }

  /** The ARN of an active revision. `InvalidInput` where ECS finds fault with the definition itself. */
  arnOf(definition: Translation['definition'], options: CallOptions): Promise<string> {
    const { family } = definition;
    return this.#mutex.run(family, async () => {
      const known = this.#known.get(family);
      if (known !== undefined) {
        known.usedAtMs = this.#clock.now();
        return known.arn;
      }
      const found = await this.#ecs.findDefinition(family, options);
      const arn = found?.taskDefinitionArn ?? (await this.#register(definition, options));
      this.#known.set(family, { arn, usedAtMs: this.#clock.now() });
      return arn;
    });
  }

  /** ECS says that it is gone: it is looked for anew, and registered anew. */
  forget(family: string): void {
    this.#known.delete(family);
  }

  /**
   * Deregisters a family's active revisions, unless it was asked for since `unusedSinceMs`. Whoever asks for it at the
   * same time waits, and registers it again.
   */
  async retire(family: string, unusedSinceMs: number, options: CallOptions): Promise<void> {
    await this.#mutex.run(family, async () => {
      if ((this.#known.get(family)?.usedAtMs ?? 0) > unusedSinceMs) return;
      this.#known.delete(family);
      for (const arn of await this.#ecs.listRevisions(family, 'ACTIVE', options)) {
        await this.#ecs.deregisterDefinition(arn, options);
      }
    });
  }

  async #register(definition: Translation['definition'], options: CallOptions): Promise<string> {
    try {
      return await this.#ecs.registerDefinition(definition, options);
    } catch (error) {
      if (!hasCode(error, 'InvalidInput')) throw error;
      throw new CodedError('InvalidInput', error.message, { cause: error.cause, reason: 'InvalidTaskDefinition' });
    }
  }
}
