import { isAbortOf } from '../../support/abort.ts';
import type { Clock } from '../../support/clock.ts';
import type { Logger } from '../../support/logger.ts';
import type { Budgets } from './aws/budgets.ts';
import type { DefinitionRegistry } from './definitions/definition-registry.ts';
import type { CallOptions, EcsApi } from './ecs/ecs-api.ts';
import type { SecretStore } from './secrets/secret-store.ts';

export interface InUse {
  readonly families: ReadonlySet<string>;
  /** Names of entries in Secrets Manager. */
  readonly entries: ReadonlySet<string>;
}

export interface GarbageCollectorOptions {
  readonly ecs: EcsApi;
  readonly definitions: DefinitionRegistry;
  readonly secrets: SecretStore;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the names of our families begin with. */
  readonly familyPrefix: string;
  /** What the names of our entries in Secrets Manager begin with; undefined where there are none. */
  readonly entryPrefix: string | undefined;
  /** What pods that are not over run by, or may run by again. */
  readonly inUse: () => InUse;
}

const roundMs = 600_000;
/** What nobody has used for so long is garbage; whoever comes back after less finds it. */
const keepMs = 3_600_000;
/** So many families in a round: registering has the same budget, and goes first. */
const familiesARound = 20;
const deletionsARound = 50;
const entriesARound = 50;
/** Registering needs this part of the bucket for itself. */
const leastLevel = 0.5;

/** Deregisters and deletes task definitions and secrets of ours that no pod needs, slowly. */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions;

  constructor(options: GarbageCollectorOptions) {
    this.#options = options;
  }

  /** A round every ten minutes until the signal aborts, the first after an hour: before, not all pods may be known. */
  async run({ signal }: CallOptions): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await clock.sleep(keepMs, { signal });
      for (;;) {
        try {
          await this.collect({ signal });
        } catch (error) {
          if (isAbortOf(signal, error)) throw error;
          log.warn('Unused task definitions or secrets could not be removed; trying again later', { error });
        }
        await clock.sleep(roundMs, { signal });
      }
    } catch (error) {
      if (!isAbortOf(signal, error)) throw error;
    }
  }

  /** One round. */
  async collect(options: CallOptions): Promise<void> {
    await this.#retireDefinitions(options);
    await this.#deleteDefinitions(options);
    await this.#retireEntries(options);
  }

  async #retireDefinitions(options: CallOptions): Promise<void> {
    const { ecs, definitions, budgets, clock, familyPrefix, inUse, log } = this.#options;
    const families = await ecs.listFamilies(`${familyPrefix}-`, 'ACTIVE', options);
    const used = inUse().families;
    for (const family of families.filter((each) => !used.has(each)).slice(0, familiesARound)) {
      if (budgets.definitionChanges.level < leastLevel) return;
      await definitions.retire(family, clock.now() - keepMs, options);
      log.debug('A task definition that no pod needs was looked at for removal', { family });
    }
  }

  async #deleteDefinitions(options: CallOptions): Promise<void> {
    const { ecs, familyPrefix } = this.#options;
    const inactive: string[] = [];
    for (const family of await ecs.listFamilies(`${familyPrefix}-`, 'INACTIVE', options)) {
      inactive.push(...(await ecs.listRevisions(family, 'INACTIVE', options)));
      if (inactive.length >= deletionsARound) break;
    }
    for (let from = 0; from < Math.min(inactive.length, deletionsARound); from += 10) {
      await ecs.deleteDefinitions(inactive.slice(from, from + 10), options);
    }
  }

  async #retireEntries(options: CallOptions): Promise<void> {
    const { secrets, clock, entryPrefix, inUse } = this.#options;
    if (entryPrefix === undefined) return;
    const names = await secrets.list(`${entryPrefix}/`, options);
    const used = inUse().entries;
    for (const name of names.filter((each) => !used.has(each)).slice(0, entriesARound)) {
      await secrets.retire(name, clock.now() - keepMs, options);
    }
  }
}
