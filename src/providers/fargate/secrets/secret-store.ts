import type { DescribeSecretResponse, SecretsManager, Tag } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../../support/clock.ts';
import { CodedError, hasCode } from '../../../support/errors.ts';
import type { Budgets } from '../aws/budgets.ts';
import type { AwsCaller } from '../aws/caller.ts';
import type { CallOptions } from '../ecs/ecs-api.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import type { SecretEntry } from '../resolve/secret-entry.ts';

interface Known {
  readonly arn: string;
  readonly version: string;
  usedAtMs: number;
}

export interface SecretStoreOptions {
  readonly secrets: SecretsManager;
  readonly budgets: Budgets;
  readonly caller: AwsCaller;
  readonly clock: Clock;
  readonly tags: Readonly<Record<string, string>>;
}

/** What Secrets Manager takes for one entry. */
const mostBytes = 65_536;

/** Our entries in Secrets Manager. Values pass through and are kept nowhere else, not even in memory. */
export class SecretStore {
  readonly #options: SecretStoreOptions;
  readonly #known = new Map<string, Known>();
  readonly #mutex = new KeyedMutex();

  constructor(options: SecretStoreOptions) {
    this.#options = options;
  }

  /** Makes entries that are missing, gives those that are old a new version, and says their ARNs by their names. */
  async ensure(entries: readonly SecretEntry[], options: CallOptions): Promise<Readonly<Record<string, string>>> {
    const arns = entries.map(async (entry) => [entry.name, await this.#ensureOne(entry, options)] as const);
    return Object.fromEntries(await Promise.all(arns));
  }

  /** Names of all our entries that begin so. */
  async list(prefix: string, options: CallOptions): Promise<string[]> {
    const names: string[] = [];
    let nextToken: string | undefined;
    do {
      const input = { Filters: [{ Key: 'name' as const, Values: [prefix] }], MaxResults: 100, NextToken: nextToken };
      const page = await this.#read('cannot list secrets', options, (http) =>
        this.#options.secrets.listSecrets(input, http),
      );
      // The filter takes words of the name too.
      for (const { Name = '' } of page.SecretList ?? []) if (Name.startsWith(prefix)) names.push(Name);
      nextToken = page.NextToken;
    } while (nextToken);
    return names;
  }

  /** Deletes an entry for good, unless it was asked for since `unusedSinceMs`; Kubernetes has what was in it. */
  async retire(name: string, unusedSinceMs: number, options: CallOptions): Promise<void> {
    await this.#mutex.run(name, async () => {
      if ((this.#known.get(name)?.usedAtMs ?? 0) > unusedSinceMs) return;
      this.#known.delete(name);
      await this.#change(`cannot delete secret ${name}`, options, (http) =>
        this.#options.secrets.deleteSecret({ SecretId: name, ForceDeleteWithoutRecovery: true }, http),
      );
    });
  }

  #ensureOne(entry: SecretEntry, options: CallOptions): Promise<string> {
    return this.#mutex.run(entry.name, async () => {
      const known = this.#known.get(entry.name);
      if (known?.version === entry.version) {
        known.usedAtMs = this.#options.clock.now();
        return known.arn;
      }
      const arn = await this.#write(entry, options);
      this.#known.set(entry.name, { arn, version: entry.version, usedAtMs: this.#options.clock.now() });
      return arn;
    });
  }

  async #write(entry: SecretEntry, options: CallOptions): Promise<string> {
    const { name, version, values } = entry;
    const text = JSON.stringify(values);
    if (Buffer.byteLength(text) > mostBytes) {
      throw new CodedError(
        'InvalidInput',
        `the secrets of one container are ${Buffer.byteLength(text)} bytes, and Secrets Manager takes ${mostBytes}`,
        {
          reason: 'UnsupportedPodSpec',
        },
      );
    }
    const found = await this.#find(name, options);
    if (found === undefined) return this.#create(entry, text, options);
    if (found.DeletedDate !== undefined) {
      await this.#change(`cannot restore secret ${name}`, options, (http) =>
        this.#options.secrets.restoreSecret({ SecretId: name }, http),
      );
    }
    const stages = found.VersionIdsToStages?.[version] ?? [];
    if (!stages.includes('AWSCURRENT')) {
      await this.#change(`cannot write secret ${name}`, options, (http) =>
        this.#options.secrets.putSecretValue({ SecretId: name, SecretString: text, ClientRequestToken: version }, http),
      );
    }
    return found.ARN ?? '';
  }

  async #find(name: string, options: CallOptions): Promise<DescribeSecretResponse | undefined> {
    try {
      return await this.#read(`cannot read secret ${name}`, options, (http) =>
        this.#options.secrets.describeSecret({ SecretId: name }, http),
      );
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #create({ name, version }: SecretEntry, text: string, options: CallOptions): Promise<string> {
    const { secrets, tags } = this.#options;
    const Tags: Tag[] = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const input = { Name: name, SecretString: text, ClientRequestToken: version, Tags };
    const { ARN = '' } = await this.#change(`cannot create secret ${name}`, options, (http) =>
      secrets.createSecret(input, http),
    );
    return ARN;
  }

  #read<T>(
    what: string,
    { signal }: CallOptions,
    send: (http: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { caller, budgets } = this.#options;
    return caller.call({ what, buckets: [budgets.secretReads], signal }, send);
  }

  #change<T>(
    what: string,
    { signal }: CallOptions,
    send: (http: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const { caller, budgets } = this.#options;
    return caller.call({ what, buckets: [budgets.secretChanges], signal }, send);
  }
}
