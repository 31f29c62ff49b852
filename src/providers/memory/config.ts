import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseQuantity } from '../../podspec/resources/quantity.ts';
import { CodedError, messageOf } from '../../support/errors.ts';

const quantity = z.string('is to be a text such as "20" or "100Gi"').superRefine((text, context) => {
  try {
    parseQuantity(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

/** An empty text is as good as none, as it is to the mock provider. */
const capacity = (standard: string) =>
  z.preprocess((value) => (value === '' ? undefined : value), quantity.default(standard));

/** One node of the Go virtual kubelet's mock provider, with its defaults. */
const nodeSchema = z.strictObject({
  cpu: capacity('20'),
  memory: capacity('100Gi'),
  pods: capacity('20'),
  others: z.record(z.string(), quantity).default({}),
  providerID: z.string().optional(),
});

const fileSchema = z.record(z.string(), nodeSchema);

export type MemoryConfig = z.infer<typeof nodeSchema>;

/**
 * The part of the file that is for this node; the defaults where the file has none for it, or where there is no file.
 * `InvalidInput` has a line for each mistake, those of other nodes too, with key and value.
 */
export async function readMemoryConfig(file: string | undefined, nodeName: string): Promise<MemoryConfig> {
  return (file === undefined ? {} : await readFileConfig(file))[nodeName] ?? nodeSchema.parse({});
}

async function readFileConfig(file: string): Promise<z.infer<typeof fileSchema>> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new CodedError('InvalidInput', `cannot read the provider configuration ${file}`, { cause });
  }
  const checked = fileSchema.safeParse(json);
  if (checked.success) return checked.data;
  const lines = checked.error.issues.map((issue) => describeIssue(issue, json));
  throw new CodedError('InvalidInput', `the provider configuration ${file} is wrong:\n${lines.join('\n')}`);
}

function describeIssue(issue: z.core.$ZodIssue, json: unknown): string {
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  const place = issue.path.map((key) => JSON.stringify(key)).join('.') || 'the file';
  return `${place}: ${issue.message} (it is ${JSON.stringify(value)})`;
}
