import type { ApiClient, CallOptions } from '../../apiserver/client.ts';

export interface AccessQuestion {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
  readonly resourceAttributes: {
    readonly verb: string;
    readonly resource: string;
    readonly subresource: string;
    readonly name: string;
  };
}

/** An API server that answers reviews and nothing else. */
export class ReviewingApi {
  /** Whose a token is. */
  readonly users = new Map<string, { readonly username: string; readonly groups?: readonly string[] }>();
  /** Who may do what. */
  allows: (question: AccessQuestion) => boolean = () => true;
  /** Set: every call rejects with it. */
  failure: Error | undefined;
  readonly tokenReviews: string[] = [];
  readonly accessReviews: AccessQuestion[] = [];

  readonly client: ApiClient = {
    get: unsupported,
    list: unsupported,
    create: unsupported,
    patch: unsupported,
    update: unsupported,
    delete: unsupported,
    watch: () => {
      throw new TypeError('not part of this test');
    },
    post: <Answer>(path: string, body: unknown, _options?: CallOptions) => this.#post(path, body) as Promise<Answer>,
  };

  async #post(path: string, body: unknown): Promise<unknown> {
    if (this.failure !== undefined) throw this.failure;
    const { spec } = body as { spec: unknown };
    if (path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      const { token } = spec as { token: string };
      this.tokenReviews.push(token);
      const user = this.users.get(token);
      return { status: user === undefined ? { authenticated: false } : { authenticated: true, user } };
    }
    if (path === '/apis/authorization.k8s.io/v1/subjectaccessreviews') {
      const question = spec as AccessQuestion;
      this.accessReviews.push(question);
      return { status: { allowed: this.allows(question) } };
    }
    throw new TypeError(`no review: ${path}`);
  }
}

function unsupported(): Promise<never> {
  return Promise.reject(new TypeError('not part of this test'));
}
