import type { Clock } from '../../support/clock.ts';
import { type Account, nameOf } from '../account.ts';
import type { Collection } from '../store/collection.ts';
import {
  definitionKey,
  newDefinition,
  type RegisterTaskDefinitionInput,
  type TaskDefinition,
} from './task-definition.ts';

/** All revisions of all families. */
export class Definitions {
  readonly #definitions: Collection<TaskDefinition>;
  /** The last revision of each family, also after its deletion: numbers are not given twice. */
  readonly #revisions: Collection<number>;
  readonly #account: Account;
  readonly #clock: Clock;

  constructor(
    collections: { readonly definitions: Collection<TaskDefinition>; readonly revisions: Collection<number> },
    options: { readonly account: Account; readonly clock: Clock },
  ) {
    this.#definitions = collections.definitions;
    this.#revisions = collections.revisions;
    this.#account = options.account;
    this.#clock = options.clock;
  }

  register(input: RegisterTaskDefinitionInput): TaskDefinition {
    const revision = (this.#revisions.get(input.family) ?? 0) + 1;
    this.#revisions.set(input.family, revision);
    return this.put(newDefinition(input, { account: this.#account, revision, nowMs: this.#clock.now() }));
  }

  put(definition: TaskDefinition): TaskDefinition {
    this.#definitions.set(definitionKey(definition.family, definition.revision), definition);
    return definition;
  }

  get(family: string, revision: number): TaskDefinition | undefined {
    return this.#definitions.get(definitionKey(family, revision));
  }

  /** By `family`, `family:revision` or ARN; a family alone means its latest active revision. */
  find(name: string): TaskDefinition | undefined {
    const short = nameOf(name, 'task-definition');
    const [family = '', revision] = short.split(':');
    if (revision === undefined) return this.#latestActive(family);
    const definition = this.get(family, Number(revision));
    return name.startsWith('arn:') && definition?.arn !== name ? undefined : definition;
  }

  /** By family and revision. */
  sorted(): TaskDefinition[] {
    return [...this.#definitions.values()].sort((a, b) =>
      a.family === b.family ? a.revision - b.revision : a.family < b.family ? -1 : 1,
    );
  }

  /** Removes what was to be deleted and what no task uses any more. */
  sweep(isUsed: (definition: TaskDefinition) => boolean): void {
    for (const definition of [...this.#definitions.values()]) {
      if (definition.status !== 'DELETE_IN_PROGRESS' || isUsed(definition)) continue;
      this.#definitions.delete(definitionKey(definition.family, definition.revision));
    }
  }

  #latestActive(family: string): TaskDefinition | undefined {
    for (let revision = this.#revisions.get(family) ?? 0; revision > 0; revision--) {
      const definition = this.get(family, revision);
      if (definition?.status === 'ACTIVE') return definition;
    }
    return undefined;
  }
}
