import { createHash } from 'node:crypto';

/** An entry of ours in Secrets Manager as it should be: what a container's secrets or an image's pull need. */
export interface SecretEntry {
  /** The same for all pods that need the same; says nothing about the values. */
  readonly name: string;
  /**
   * Tells states of the entry apart, 64 hexadecimal digits. Made of the versions of the Kubernetes objects behind it, so
   * that nothing can be learned from it about the values.
   */
  readonly version: string;
  readonly values: Readonly<Record<string, string>>;
}

/** A value in an entry. */
export interface SecretValueRef {
  /** The entry's name. */
  readonly entry: string;
  /** Undefined for all of it. */
  readonly key?: string;
}

/** A digest of what has no secret in it, in hexadecimal. */
export function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
