import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { ApiClient } from '../apiserver/client.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError } from '../support/errors.ts';
import { type Caller, withAuthenticatedGroup } from './caller.ts';
import { type CertificateIdentity, identityOfCertificate } from './certificate-identity.ts';
import { ReviewCache } from './review-cache.ts';

/** As long as kubelet keeps an answer (`authentication.webhook.cacheTTL`). */
export const keepAnswerMs = 2 * 60_000;
/** A refused token may become good when the API server's keys do; asked again soon, but not by each request. */
const keepRefusalMs = 10_000;
const reviewTimeoutMs = 10_000;
const maxTokens = 4096;
/** Those of service accounts have about a thousand. What a stranger sends is not passed on by the megabyte. */
const maxTokenChars = 64 * 1024;

/** The part of authentication.k8s.io/v1 TokenReview that is answered. */
interface TokenReview {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

/**
 * Says who sent a request: by a client certificate that the TLS layer verified against the client CA, else by a bearer
 * token that the API server reviews. Nobody is anonymous.
 */
export class Authenticator {
  readonly #api: ApiClient;
  readonly #clock: Clock;
  readonly #tokens: ReviewCache<Caller | undefined>;
  /** A certificate is read once a connection. */
  readonly #identities = new WeakMap<TLSSocket, CertificateIdentity>();

  constructor(options: { readonly api: ApiClient; readonly clock: Clock }) {
    this.#api = options.api;
    this.#clock = options.clock;
    this.#tokens = new ReviewCache({ clock: options.clock, maxEntries: maxTokens });
  }

  /** Rejects with `Unauthorized` where nobody is proven, `Unavailable` where the API server could not be asked. */
  async authenticate(request: IncomingMessage): Promise<Caller> {
    const token = bearerToken(request.headers.authorization);
    const caller =
      this.#byCertificate(request.socket) ?? (token === undefined ? undefined : await this.#byToken(token));
    if (caller === undefined) throw new CodedError('Unauthorized', 'Unauthorized');
    return withAuthenticatedGroup(caller);
  }

  #byCertificate(socket: unknown): Caller | undefined {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    let identity = this.#identities.get(socket);
    if (identity === undefined) {
      const certificate = socket.getPeerX509Certificate();
      identity = certificate && identityOfCertificate(certificate.raw);
      if (identity === undefined) return undefined;
      this.#identities.set(socket, identity);
    }
    // Verified when the connection was made; it may have expired on the way.
    const now = this.#clock.now();
    return identity.notBeforeMs <= now && now <= identity.notAfterMs ? identity.caller : undefined;
  }

  #byToken(token: string): Promise<Caller | undefined> {
    return this.#tokens.answer(token, async () => {
      const answer = await this.#review(token);
      return { answer, keepMs: answer === undefined ? keepRefusalMs : keepAnswerMs };
    });
  }

  async #review(token: string): Promise<Caller | undefined> {
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      // No audiences: the API server takes its own, so a token made for somebody else is refused.
      spec: { token },
    };
    let status: TokenReview['status'];
    try {
      const path = '/apis/authentication.k8s.io/v1/tokenreviews';
      status = (await this.#api.post<TokenReview>(path, review, { timeoutMs: reviewTimeoutMs })).status;
    } catch (error) {
      throw new CodedError('Unavailable', 'the API server could not be asked whose token this is', { cause: error });
    }
    if (status?.authenticated !== true || !status.user?.username) return undefined;
    const { username, uid, groups, extra } = status.user;
    return { name: username, groups: groups ?? [], extra: extra ?? {}, ...(uid ? { uid } : {}) };
  }
}

function bearerToken(authorization: string | undefined): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1];
  return token === undefined || token.length > maxTokenChars ? undefined : token;
}
