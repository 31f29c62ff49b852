/**
 * A refusal in AWS's words. `code` is the exception's name as the service's model has it; `fields` are the members that
 * this exception carries beside its message (ConflictException's resourceIds).
 */
export class AwsError extends Error {
  readonly code: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly httpStatus: number;

  constructor(
    code: string,
    message: string,
    details: { readonly fields?: Readonly<Record<string, unknown>>; readonly httpStatus?: number } = {},
  ) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.fields = details.fields ?? {};
    this.httpStatus = details.httpStatus ?? 400;
  }
}
