import type { Clock } from '../../support/clock.ts';
import { type Account, arnOf } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import type { Collection } from '../store/collection.ts';

export interface Parameter {
  readonly name: string;
  readonly type: 'String' | 'StringList' | 'SecureString';
  readonly value: string;
  readonly version: number;
  readonly changedAtMs: number;
}

/** Parameters of Systems Manager, in their latest version. */
export class ParameterStore {
  readonly #parameters: Collection<Parameter>;
  readonly #account: Account;
  readonly #clock: Clock;

  constructor(parameters: Collection<Parameter>, options: { readonly account: Account; readonly clock: Clock }) {
    this.#parameters = parameters;
    this.#account = options.account;
    this.#clock = options.clock;
  }

  /** By name or ARN, with or without `:version`. */
  find(nameOrArn: string): Parameter | undefined {
    const [, path] = /^arn:[^:]+:ssm:[^:]*:[^:]*:parameter\/(.+)$/.exec(nameOrArn) ?? [];
    const named = path ?? nameOrArn;
    const [name = '', version] = named.split(':');
    // In an ARN the slash before a hierarchy stands once: parameter/a/b is /a/b, parameter/a is a.
    const parameter = this.#parameters.get(name) ?? (path === undefined ? undefined : this.#parameters.get(`/${name}`));
    return version !== undefined && Number(version) !== parameter?.version ? undefined : parameter;
  }

  /** Throws `ParameterNotFound`. */
  get(nameOrArn: string): Parameter {
    const parameter = this.find(nameOrArn);
    if (!parameter) throw new AwsError('ParameterNotFound', `Parameter ${nameOrArn} not found.`);
    return parameter;
  }

  put(change: Omit<Parameter, 'version' | 'changedAtMs'>, options: { readonly overwrite: boolean }): Parameter {
    const existing = this.#parameters.get(change.name);
    if (existing && !options.overwrite) {
      throw new AwsError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    }
    const parameter = { ...change, version: (existing?.version ?? 0) + 1, changedAtMs: this.#clock.now() };
    this.#parameters.set(change.name, parameter);
    return parameter;
  }

  delete(name: string): boolean {
    const known = this.#parameters.get(name) !== undefined;
    if (known) this.#parameters.delete(name);
    return known;
  }

  arnFor(name: string): string {
    return arnOf(this.#account, 'ssm', `parameter${name.startsWith('/') ? '' : '/'}${name}`);
  }
}
