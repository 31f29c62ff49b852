/** The value of a version: text or bytes (as base64). */
export type SecretValue = { readonly string: string } | { readonly binaryBase64: string };

export interface SecretVersion {
  readonly id: string;
  readonly value: SecretValue;
  readonly stages: readonly string[];
  readonly createdAtMs: number;
}

export interface SecretTag {
  readonly Key: string;
  readonly Value: string;
}

/** A secret of Secrets Manager. Its values are in the state folder and nowhere else. */
export interface StoredSecret {
  readonly name: string;
  readonly arn: string;
  readonly description?: string;
  readonly kmsKeyId?: string;
  readonly tags: readonly SecretTag[];
  readonly versions: readonly SecretVersion[];
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly accessedAtMs?: number;
  /** When it was marked for deletion. */
  readonly deletedAtMs?: number;
  /** When it goes for good. */
  readonly goneAtMs?: number;
}

/**
 * The versions after a new one has been put: it takes its labels from the others, AWSPREVIOUS goes to the one that was
 * current, and versions without a label are let go.
 */
export function withVersion(versions: readonly SecretVersion[], added: SecretVersion): readonly SecretVersion[] {
  const becomesCurrent = added.stages.includes('AWSCURRENT');
  const others = versions.map((version) => {
    const wasCurrent = version.stages.includes('AWSCURRENT');
    const kept = version.stages.filter(
      (stage) => !added.stages.includes(stage) && !(becomesCurrent && stage === 'AWSPREVIOUS'),
    );
    return { ...version, stages: becomesCurrent && wasCurrent ? [...kept, 'AWSPREVIOUS'] : kept };
  });
  return [...others.filter(({ stages }) => stages.length > 0), added];
}
