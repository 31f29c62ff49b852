import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ApiClient } from '../apiserver/client.ts';
import { backoffDelayMs, jitteredBackoffDelayMs } from '../queue/backoff.ts';
import { isAbortOf } from '../support/abort.ts';
import type { Clock } from '../support/clock.ts';
import { CodedError } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import { type KeyPair, type ServingCertificate, selfSignedServingCertificate } from './serving-certificate.ts';
import { makeSigningRequest, type SigningRequest, signingRequests } from './serving-csr.ts';

export interface RequestedCertificateOptions {
  readonly api: ApiClient;
  readonly nodeName: string;
  readonly ips: readonly string[];
  /** Where certificate and key are kept, so that a restart needs no new approval. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How long we wait between looks whether somebody has approved: a program does so at once, a person sometime. */
const look = { baseMs: 500, capMs: 10_000 };
/** A request that nobody has approved by then is made anew, as kubelet does. */
const patienceMs = 15 * 60_000;
const retry = { baseMs: 5000, capMs: 15 * 60_000 };

/**
 * A serving certificate that the cluster's signer (`kubernetes.io/kubelet-serving`) gives, once somebody approves it:
 * by default nobody does. Renewed when 70 to 90 % of its life is over. Until there is one, it is self-signed.
 */
export class RequestedServingCertificate {
  readonly #options: RequestedCertificateOptions;
  readonly #fallback: ServingCertificate;
  #issued: { readonly pair: KeyPair; readonly renewAtMs: number; readonly notAfterMs: number } | undefined;

  constructor(options: RequestedCertificateOptions) {
    this.#options = options;
    this.#fallback = selfSignedServingCertificate({ ...options, names: [options.nodeName] });
  }

  /** What to serve now. */
  readonly serving: ServingCertificate = () => {
    const issued = this.#issued;
    return issued !== undefined && this.#options.clock.now() < issued.notAfterMs
      ? Promise.resolve(issued.pair)
      : this.#fallback();
  };

  /** Takes up the certificate that was kept, requests and renews until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    await this.#restore();
    for (let failures = 0; !signal.aborted; ) {
      const dueMs = (this.#issued?.renewAtMs ?? 0) - clock.now();
      try {
        if (dueMs > 0) {
          await clock.sleep(dueMs, { signal });
        } else {
          await this.#renew(signal);
          failures = 0;
        }
      } catch (error) {
        if (isAbortOf(signal, error)) return;
        const delayMs = jitteredBackoffDelayMs(failures++, retry, random);
        log.warn('no serving certificate was given; trying again', { error, delayMs });
        await clock.sleep(delayMs, { signal }).catch(() => {});
      }
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { api, log } = this.#options;
    const { object, key } = await makeSigningRequest(this.#options);
    const created = await api.create(signingRequests, object, { signal });
    const name = created.metadata?.name ?? '';
    log.info(`Serving certificate requested: kubectl certificate approve ${name}`);
    const pair = { certificate: await this.#awaitCertificate(name, signal), key };
    this.#take(pair);
    await this.#keep(pair);
    log.info('a serving certificate was given and is in use', { request: name });
  }

  async #awaitCertificate(name: string, signal: AbortSignal): Promise<string> {
    const { api, clock } = this.#options;
    const deadlineMs = clock.now() + patienceMs;
    for (let looks = 0; clock.now() < deadlineMs; looks++) {
      const { status } = await api.get(signingRequests, { name }, { signal });
      if (status?.certificate) return Buffer.from(status.certificate, 'base64').toString();
      refuseIfRefused(name, status);
      await clock.sleep(backoffDelayMs(looks, look), { signal });
    }
    throw new CodedError('Timeout', `nobody has approved ${name} within ${patienceMs / 60_000} minutes`);
  }

  /** Throws where the pair does not fit together or is not for this node, as a kept one of another address. */
  #take(pair: KeyPair): void {
    const { nodeName, ips, random } = this.#options;
    const certificate = new X509Certificate(pair.certificate);
    const names = certificate.checkHost(nodeName) !== undefined && ips.every((ip) => certificate.checkIP(ip));
    if (!names || !certificate.checkPrivateKey(createPrivateKey(pair.key))) {
      throw new CodedError('InvalidInput', 'the certificate is not one of this node and key');
    }
    const [notBeforeMs, notAfterMs] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
    const renewAtMs = notBeforeMs + (notAfterMs - notBeforeMs) * (0.7 + 0.2 * random());
    this.#issued = { pair, renewAtMs, notAfterMs };
  }

  async #restore(): Promise<void> {
    try {
      const text = await readFile(this.#options.file, 'utf8');
      const [key = '', certificate = ''] = text.split(/(?<=-----END PRIVATE KEY-----\n)/);
      this.#take({ key, certificate });
    } catch (error) {
      this.#options.log.debug('no kept serving certificate is of use', { error });
    }
  }

  async #keep({ key, certificate }: KeyPair): Promise<void> {
    const { file, log } = this.#options;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, key + certificate, { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch (error) {
      log.warn('the serving certificate cannot be kept: a restart will need another approval', { file, error });
    }
  }
}

function refuseIfRefused(name: string, status: SigningRequest['status']): void {
  const refusal = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
  if (refusal === undefined) return;
  const why = refusal.message ?? refusal.reason ?? 'without a reason';
  throw new CodedError('Forbidden', `${name} was refused (${refusal.type}): ${why}`);
}
