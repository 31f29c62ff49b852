import { readFile } from 'node:fs/promises';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { parseQuantity } from '../../podspec/resources/quantity.ts';
import { CodedError, messageOf } from '../../support/errors.ts';

const quantity = z.string('is to be a text such as "4", "500m" or "8Gi"').superRefine((text, context) => {
  try {
    if (parseQuantity(text) <= 0n) context.addIssue({ code: 'custom', message: 'is to be more than nothing' });
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

const socketPath = z.string('is to be a text such as "/run/podman/podman.sock"').transform((text, context) => {
  const path = text.replace(/^unix:\/\//, '');
  if (path.startsWith('/')) return path;
  context.addIssue({
    code: 'custom',
    message: 'is to be the path of a socket on this machine, or unix:// and that path',
  });
  return z.NEVER;
});

const schema = z.strictObject({
  /** Of Podman's service. */
  socket: socketPath.optional(),
  /** What the node offers where that is not what the machine has. */
  cpu: quantity.optional(),
  memory: quantity.optional(),
  storage: quantity.optional(),
  pods: quantity.default('110'),
  /** kubelet's, by their names and defaults. */
  containerLogMaxSize: quantity.default('10Mi'),
  containerLogMaxFiles: z.int('is to be a whole number').min(2, 'is to be 2 or more').default(5),
});

export interface PodmanConfig extends Omit<z.infer<typeof schema>, 'socket'> {
  readonly socket: string;
}

/** Where Podman's systemd unit listens, for root. */
const defaultSocket = '/run/podman/podman.sock';

/**
 * The provider's configuration: TOML, every key optional. The socket is the file's, else `containerHost` (Podman's own
 * variable CONTAINER_HOST), else the system's. `InvalidInput` has a line for each mistake, with key and value.
 */
export async function readPodmanConfig(
  file: string | undefined,
  containerHost: string | undefined,
): Promise<PodmanConfig> {
  const config = file === undefined ? check({}, 'the provider configuration') : await readFileConfig(file);
  const fromEnvironment = containerHost
    ? check({ socket: containerHost }, 'the variable CONTAINER_HOST').socket
    : undefined;
  return { ...config, socket: config.socket ?? fromEnvironment ?? defaultSocket };
}

async function readFileConfig(file: string): Promise<z.infer<typeof schema>> {
  let content: unknown;
  try {
    content = parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new CodedError('InvalidInput', `cannot read the provider configuration ${file}`, { cause });
  }
  return check(content, `the provider configuration ${file}`);
}

function check(content: unknown, what: string): z.infer<typeof schema> {
  const checked = schema.safeParse(content);
  if (checked.success) return checked.data;
  const lines = checked.error.issues.map((issue) => describeIssue(issue, content));
  throw new CodedError('InvalidInput', `${what} is wrong:\n${lines.join('\n')}`);
}

function describeIssue(issue: z.core.$ZodIssue, content: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    return `${issue.keys.join(', ')}: not known; there are ${Object.keys(schema.shape).join(', ')}`;
  }
  const key = issue.path.join('.');
  const value = (content as Readonly<Record<string, unknown>>)[key];
  return `${key}: ${issue.message} (it is ${JSON.stringify(value)})`;
}
