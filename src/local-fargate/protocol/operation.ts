import type { z } from 'zod';

/** Who calls, and until when the answer is wanted. */
export interface Call {
  readonly accessKeyId: string;
  /** Scheme, host and port as the caller wrote them: what queue URLs begin with. */
  readonly origin: string;
  /** Aborts when the caller is gone or the server ends. */
  readonly signal: AbortSignal;
}

export type Output = Readonly<Record<string, unknown>>;

/** One action of a service. */
export interface Operation {
  readonly name: string;
  /** Reads and checks what was sent, then answers. Rejects with an `AwsError` to refuse. */
  answer(input: unknown, call: Call): Promise<Output>;
}

/** A service and how it says that an input does not fit its schema. */
export interface Service {
  /** For logs: `ecs`. */
  readonly name: string;
  /** The code of an input that does not fit. */
  readonly invalidInputCode: string;
  readonly operations: readonly Operation[];
}

/** An operation whose input has been checked by its schema; members that the schema does not name are dropped, as AWS does. */
export function operation<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  handle: (input: z.output<Schema>, call: Call) => Output | Promise<Output>,
): Operation {
  return { name, answer: async (input, call) => handle(schema.parse(input), call) };
}
