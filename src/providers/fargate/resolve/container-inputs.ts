import type { Container, Pod } from '../../../kubernetes/objects.ts';
import { podRef } from '../../../kubernetes/objects.ts';
import { containerEnvironment } from '../../../podspec/environment/container-environment.ts';
import { expandedCommand } from '../../../podspec/environment/expand.ts';
import type { RecordPodEvent } from '../../../podspec/pod-events.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { CodedError } from '../../../support/errors.ts';
import { hiddenPod, hiddenReferences } from './hidden-references.ts';
import { Placeholders } from './placeholders.ts';
import { digest, type SecretEntry, type SecretValueRef } from './secret-entry.ts';

/** What a container of the spec comes to with everything that it refers to. Secret values are nowhere in it. */
export interface ContainerInputs {
  /** Variables that are the same for each replica. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that only this pod has. */
  readonly podEnvironment: Readonly<Record<string, string>>;
  /** Variables that hold a secret, and where their value is. */
  readonly secrets: Readonly<Record<string, SecretValueRef>>;
  /** Undefined: the image's own. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** Whether only this pod has them so. */
  readonly isCommandOfPod: boolean;
  readonly areArgsOfPod: boolean;
  /** Where the credentials are with which its image is pulled. */
  readonly pullCredentials?: SecretValueRef;
}

export interface ResolveContext {
  readonly pod: Pod;
  readonly references: PodReferences;
  readonly nodeIp: string;
  readonly nodeAllocatable: Readonly<Record<string, string>>;
  readonly recordEvent: RecordPodEvent;
  /** What the names of entries begin with: `virtual-kubelet/3f9a01c2b4d5/default`. */
  readonly entryPrefix: string;
}

/**
 * The environment and the command of a container, by kubelet's rules, sorted by whom they belong to, and the entry that
 * its secret variables need. Rejects as `containerEnvironment`; `InvalidInput` where the command would hold a secret,
 * which ECS shows to everybody.
 */
export async function containerInputs(
  container: Container,
  context: ResolveContext,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly inputs: ContainerInputs; readonly entry: SecretEntry | undefined }> {
  const { pod, references, nodeIp, nodeAllocatable, recordEvent } = context;
  const placeholders = new Placeholders();
  const variables = await containerEnvironment(
    {
      pod: hiddenPod(pod, placeholders),
      container,
      references: hiddenReferences(references, placeholders),
      podIps: [],
      hostIps: [nodeIp],
      nodeAllocatable,
      recordEvent: (event) => recordEvent({ ...event, pod: podRef(pod) }),
    },
    options,
  );
  const { command, args } = expandedCommand(container, variables);
  refuseSecrets(container, [...(command ?? []), ...(args ?? [])], placeholders);

  const environment: Record<string, string> = {};
  const podEnvironment: Record<string, string> = {};
  const secretTexts: Record<string, string> = {};
  for (const name of Object.keys(variables).sort()) {
    const text = variables[name] ?? '';
    if (placeholders.holds('secret', text)) secretTexts[name] = placeholders.fill(text, ['pod']);
    else if (placeholders.holds('pod', text)) podEnvironment[name] = placeholders.fill(text, ['pod']);
    else environment[name] = text;
  }
  const filled = (texts: readonly string[]): string[] => texts.map((text) => placeholders.fill(text, ['pod']));
  const isOfPod = (texts: readonly string[] = []): boolean => texts.some((text) => placeholders.holds('pod', text));
  const entry = environmentEntry(secretTexts, context, placeholders);
  return {
    inputs: {
      environment,
      podEnvironment,
      secrets: Object.fromEntries(
        Object.keys(secretTexts).map((name) => [name, { entry: entry?.name ?? '', key: keyOf(name) }]),
      ),
      ...(command && { command: filled(command) }),
      ...(args && { args: filled(args) }),
      isCommandOfPod: isOfPod(command),
      areArgsOfPod: isOfPod(args),
    },
    entry,
  };
}

/** The entry is named by what is asked for, with placeholders for the secrets, and versioned by their objects. */
function environmentEntry(
  texts: Readonly<Record<string, string>>,
  { entryPrefix }: ResolveContext,
  placeholders: Placeholders,
): SecretEntry | undefined {
  if (Object.keys(texts).length === 0) return undefined;
  const versions = Object.values(texts).flatMap((text) =>
    placeholders.in(text).flatMap((hidden) => (hidden.kind === 'secret' ? hidden.version : [])),
  );
  const values = Object.entries(texts).map(([name, text]) => [keyOf(name), placeholders.fill(text, ['secret'])]);
  return {
    name: `${entryPrefix}/env-${digest(texts).slice(0, 32)}`,
    version: digest([texts, [...new Set(versions)].sort()]),
    values: Object.fromEntries(values),
  };
}

/** A variable's name as a key of an entry: ECS takes `:` for the end of one. */
function keyOf(variable: string): string {
  return /^[\w.-]+$/.test(variable) ? variable : digest(variable).slice(0, 16);
}

function refuseSecrets(container: Container, texts: readonly string[], placeholders: Placeholders): void {
  if (!texts.some((text) => placeholders.holds('secret', text))) return;
  throw new CodedError(
    'InvalidInput',
    `command or args of container ${container.name} use a variable that holds a secret, which would stand readable in ` +
      'the ECS task definition; let the container read the variable itself',
    { reason: 'UnsupportedPodSpec' },
  );
}
