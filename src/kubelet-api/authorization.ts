import type { ApiClient } from '../apiserver/client.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError } from '../support/errors.ts';
import type { Caller } from './caller.ts';
import { ReviewCache } from './review-cache.ts';

/** As long as kubelet keeps answers (`authorization.webhook.cacheAuthorizedTTL` and `cacheUnauthorizedTTL`). */
export const keepAllowedMs = 5 * 60_000;
export const keepDeniedMs = 30_000;
const reviewTimeoutMs = 10_000;
const maxAnswers = 8192;

/** What of a node a request is for: a right to `nodes/<subresource>`. */
export type Subresource = 'proxy' | 'pods' | 'healthz' | 'configz' | 'stats' | 'metrics' | 'log' | 'checkpoint';

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

interface SubjectAccessReview {
  readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
}

export interface AuthorizationRequest {
  readonly method: string;
  /** Any one of them is enough; asked in this order, as kubelet does since it has finer rights than nodes/proxy. */
  readonly subresources: readonly Subresource[];
}

/** Asks the API server whether a caller may do something to this node, with kubelet's attributes. */
export class Authorizer {
  readonly #api: ApiClient;
  readonly #nodeName: string;
  readonly #answers: ReviewCache<boolean>;

  constructor(options: { readonly api: ApiClient; readonly nodeName: string; readonly clock: Clock }) {
    this.#api = options.api;
    this.#nodeName = options.nodeName;
    this.#answers = new ReviewCache({ clock: options.clock, maxEntries: maxAnswers });
  }

  /** Rejects with `Forbidden` where the right is missing, `Unavailable` where the API server could not be asked. */
  async authorize(caller: Caller, request: AuthorizationRequest): Promise<void> {
    const verb = verbs[request.method] ?? '';
    for (const subresource of request.subresources) {
      if (await this.#allowed(caller, verb, subresource)) return;
    }
    throw new CodedError(
      'Forbidden',
      `Forbidden (user=${caller.name}, verb=${verb}, resource=nodes, subresource(s)=[${request.subresources.join(' ')}])`,
    );
  }

  #allowed(caller: Caller, verb: string, subresource: Subresource): Promise<boolean> {
    const spec = {
      user: caller.name,
      uid: caller.uid,
      groups: caller.groups,
      extra: caller.extra,
      resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: this.#nodeName },
    };
    return this.#answers.answer(JSON.stringify(spec), async () => {
      const answer = await this.#review(spec);
      return { answer, keepMs: answer ? keepAllowedMs : keepDeniedMs };
    });
  }

  async #review(spec: unknown): Promise<boolean> {
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    try {
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
      const { status } = await this.#api.post<SubjectAccessReview>(path, review, { timeoutMs: reviewTimeoutMs });
      return status?.allowed === true && status.denied !== true;
    } catch (error) {
      throw new CodedError('Unavailable', 'the API server could not be asked whether this is allowed', {
        cause: error,
      });
    }
  }
}
