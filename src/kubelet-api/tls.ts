import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../support/clock.ts';
import { CodedError, messageOf } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { ClientCa, KeyPair, ServingCertificate } from './serving-certificate.ts';
import type { TlsParameters } from './tls-parameters.ts';

/** How soon a changed file is served. Reading two small files is cheap, and unlike a watch it misses no swapped link. */
const refreshMs = 5000;

export interface TlsMaterialOptions {
  readonly serving: ServingCertificate;
  readonly clientCa: ClientCa;
  readonly parameters: TlsParameters;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a change means for connections that are open. */
export interface TlsChange {
  readonly context: SecureContextOptions;
  /** Other authorities count now: whoever was verified before has to be verified again. */
  readonly clientCaChanged: boolean;
}

/** Our certificate and the authorities of our callers, as they are now. */
export class TlsMaterial {
  readonly #options: TlsMaterialOptions;
  #pair: KeyPair;
  #clientCa: string;
  #context: SecureContextOptions;

  private constructor(options: TlsMaterialOptions, pair: KeyPair, clientCa: string) {
    this.#options = options;
    this.#pair = pair;
    this.#clientCa = clientCa;
    this.#context = contextOf(pair, clientCa, options.parameters);
  }

  /** Rejects with `InvalidInput` where a file is missing, malformed or does not fit the other. */
  static async load(options: TlsMaterialOptions): Promise<TlsMaterial> {
    const [pair, clientCa] = await Promise.all([options.serving(), options.clientCa()]);
    return new TlsMaterial(options, pair, clientCa);
  }

  get context(): SecureContextOptions {
    return this.#context;
  }

  /** Looks for changes until the signal aborts. What cannot be used is said, and what was used before stays. */
  async run(signal: AbortSignal, onChange: (change: TlsChange) => void): Promise<void> {
    let complaint = '';
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(refreshMs, { signal });
      } catch {
        return;
      }
      try {
        const change = await this.#refresh();
        if (change !== undefined) onChange(change);
        complaint = '';
      } catch (error) {
        // Said once, not each time it is looked at.
        if (complaint !== messageOf(error)) {
          this.#options.log.warn('changed TLS files cannot be used; serving with the former ones', { error });
        }
        complaint = messageOf(error);
      }
    }
  }

  async #refresh(): Promise<TlsChange | undefined> {
    const [pair, clientCa] = await Promise.all([this.#options.serving(), this.#options.clientCa()]);
    const clientCaChanged = clientCa !== this.#clientCa;
    if (!clientCaChanged && pair.certificate === this.#pair.certificate && pair.key === this.#pair.key) {
      return undefined;
    }
    this.#context = contextOf(pair, clientCa, this.#options.parameters);
    this.#pair = pair;
    this.#clientCa = clientCa;
    this.#options.log.info('TLS files have changed and are in use', { clientCaChanged });
    return { context: this.#context, clientCaChanged };
  }
}

function contextOf(pair: KeyPair, clientCa: string, parameters: TlsParameters): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: pair.certificate,
    key: pair.key,
    ca: authorities(clientCa),
    // An authority of the bundle counts as it is, whether or not its own issuer is in the bundle (as in Go).
    allowPartialTrustChain: true,
    minVersion: parameters.minVersion,
    ciphers: parameters.ciphers,
    // A resumed session would carry on an identity that was verified against what counted then.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new CodedError('InvalidInput', `serving certificate and key cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return context;
}

/** Never empty: with no authority given, Node would trust every public one. */
function authorities(bundle: string): string[] {
  const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) {
    throw new CodedError('InvalidInput', 'the client CA has no certificate in it: nobody could call this node');
  }
  try {
    return certificates.map((pem) => new X509Certificate(pem).toString());
  } catch (error) {
    throw new CodedError('InvalidInput', `the client CA cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
