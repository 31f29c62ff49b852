import { createHash } from 'node:crypto';
import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Collection } from '../store/collection.ts';

/** How long a client token answers with what it did first. */
const rememberedMs = 24 * 3_600_000;

/** What a client token once did. */
export interface TokenUse {
  readonly key: string;
  readonly requestHash: string;
  readonly taskIds: readonly string[];
  readonly taskArns: readonly string[];
  readonly atMs: number;
}

/** Client tokens of RunTask: the same call again runs nothing anew. */
export class Idempotency {
  readonly #uses: Collection<TokenUse>;
  readonly #clock: Clock;

  constructor(uses: Collection<TokenUse>, clock: Clock) {
    this.#uses = uses;
    this.#clock = clock;
  }

  /**
   * What this token did before, if anything. Throws `ConflictException` with the tasks' ARNs where it was used for
   * another request.
   */
  earlier(cluster: string, token: string, request: unknown): TokenUse | undefined {
    const use = this.#uses.get(keyOf(cluster, token));
    if (!use || this.#clock.now() - use.atMs > rememberedMs) return undefined;
    if (use.requestHash !== hashOf(request)) {
      throw new AwsError(
        'ConflictException',
        'The request could not be processed because the client token was used with other parameters.',
        { fields: { resourceIds: use.taskArns } },
      );
    }
    return use;
  }

  remember(
    cluster: string,
    token: string,
    what: { readonly request: unknown; readonly taskIds: readonly string[]; readonly taskArns: readonly string[] },
  ): void {
    const key = keyOf(cluster, token);
    const { request, taskIds, taskArns } = what;
    this.#uses.set(key, { key, requestHash: hashOf(request), taskIds, taskArns, atMs: this.#clock.now() });
  }

  /** Forgets tokens of more than a day ago. */
  sweep(): void {
    const past = [...this.#uses.values().filter(({ atMs }) => this.#clock.now() - atMs > rememberedMs)];
    for (const { key } of past) this.#uses.delete(key);
  }
}

function keyOf(cluster: string, token: string): string {
  return `${cluster}/${token}`;
}

function hashOf(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}
