import { randomUUID } from 'node:crypto';
import type { Clock } from '../../support/clock.ts';
import { type Account, arnOf } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Collection } from '../store/collection.ts';
import { type SecretValue, type SecretVersion, type StoredSecret, withVersion } from './secret.ts';

/** Secrets by name. */
export class SecretStore {
  readonly #secrets: Collection<StoredSecret>;
  readonly #account: Account;
  readonly #clock: Clock;

  constructor(secrets: Collection<StoredSecret>, options: { readonly account: Account; readonly clock: Clock }) {
    this.#secrets = secrets;
    this.#account = options.account;
    this.#clock = options.clock;
  }

  /** By name, by ARN, or by ARN without its last six characters. Those whose recovery window is over are gone. */
  find(id: string): StoredSecret | undefined {
    const secret = this.#secrets.get(id) ?? this.#byArn(id);
    return secret?.goneAtMs !== undefined && secret.goneAtMs <= this.#clock.now() ? undefined : secret;
  }

  /** Throws `ResourceNotFoundException`. */
  get(id: string): StoredSecret {
    const secret = this.find(id);
    if (!secret) {
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    }
    return secret;
  }

  /** As `get`, and throws `InvalidRequestException` where it is marked for deletion. */
  getUsable(id: string): StoredSecret {
    const secret = this.get(id);
    if (secret.deletedAtMs !== undefined) {
      throw new AwsError(
        'InvalidRequestException',
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    }
    return secret;
  }

  all(): readonly StoredSecret[] {
    return [...this.#secrets.values()]
      .filter(({ name }) => this.find(name) !== undefined)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  put(secret: StoredSecret): StoredSecret {
    this.#secrets.set(secret.name, secret);
    return secret;
  }

  delete(name: string): void {
    this.#secrets.delete(name);
  }

  arnFor(name: string): string {
    return arnOf(this.#account, 'secretsmanager', `secret:${name}-${suffix()}`);
  }

  /**
   * Puts a version. The same id with the same value changes nothing; with another value it is a
   * `ResourceExistsException`.
   */
  putVersion(
    secret: StoredSecret,
    added: { readonly id?: string | undefined; readonly value: SecretValue; readonly stages: readonly string[] },
  ): { readonly secret: StoredSecret; readonly version: SecretVersion } {
    const nowMs = this.#clock.now();
    const id = added.id ?? randomUUID();
    const existing = secret.versions.find((version) => version.id === id);
    if (existing) {
      if (JSON.stringify(existing.value) === JSON.stringify(added.value)) return { secret, version: existing };
      throw new AwsError(
        'ResourceExistsException',
        `The operation failed because a version with the token ${id} already exists.`,
      );
    }
    const version = { id, value: added.value, stages: added.stages, createdAtMs: nowMs };
    const versions = withVersion(secret.versions, version);
    return { secret: this.put({ ...secret, versions, changedAtMs: nowMs }), version };
  }

  /** The version with this id or label; AWSCURRENT where neither is said. Throws `ResourceNotFoundException`. */
  version(
    secret: StoredSecret,
    { id, stage }: { readonly id?: string | undefined; readonly stage?: string | undefined },
  ): SecretVersion {
    const label = stage ?? (id === undefined ? 'AWSCURRENT' : undefined);
    const found = secret.versions.find(
      (version) => (id === undefined || version.id === id) && (label === undefined || version.stages.includes(label)),
    );
    if (!found) {
      const what = label === undefined ? `VersionId: ${id}` : `staging label: ${label}`;
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${what}`,
      );
    }
    return found;
  }

  /** The text of a secret for a container. Throws as `getUsable` and `version` do. */
  text(id: string, which: { readonly id?: string; readonly stage?: string }): string {
    const { value } = this.version(this.getUsable(id), which);
    return 'string' in value ? value.string : Buffer.from(value.binaryBase64, 'base64').toString('utf8');
  }

  /** Removes those whose recovery window is over. */
  sweep(): void {
    for (const { name } of [...this.#secrets.values()]) if (!this.find(name)) this.#secrets.delete(name);
  }

  #byArn(id: string): StoredSecret | undefined {
    if (!id.startsWith('arn:')) return undefined;
    const [, name] = /:secret:(.+)$/.exec(id) ?? [];
    const exact = this.#secrets.get(name?.replace(/-.{6}$/, '') ?? '');
    if (exact?.arn === id) return exact;
    const partial = this.#secrets.get(name ?? '');
    return partial?.arn.startsWith(`${id}-`) ? partial : undefined;
  }
}

const suffixCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** What Secrets Manager puts after a name, so that a secret made anew is another one. */
function suffix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return [...bytes].map((byte) => suffixCharacters.charAt(byte % suffixCharacters.length)).join('');
}
