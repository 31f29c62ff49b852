import { readFile } from 'node:fs/promises';
import type { Clock } from '../support/clock.ts';
import { CodedError, messageOf } from '../support/errors.ts';
import { selfSign } from './self-signed.ts';

/** A certificate chain and its key, as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Gives what is to be served now; asked again every few seconds, so it answers from files or memory. */
export type ServingCertificate = () => Promise<KeyPair>;

/** PEM of who signs the client certificates of our callers; asked again every few seconds. */
export type ClientCa = () => Promise<string>;

export function servingCertificateFromFiles(files: {
  readonly certificateFile: string;
  readonly keyFile: string;
}): ServingCertificate {
  return async () => {
    const [certificate, key] = await Promise.all([readPem(files.certificateFile), readPem(files.keyFile)]);
    return { certificate, key };
  };
}

export function clientCaFromFile(file: string): ClientCa {
  return () => readPem(file);
}

const selfSignedLifeMs = 365 * 24 * 60 * 60_000;

/**
 * A certificate that nobody else vouches for: enough where the API server does not verify kubelets. A new one is made
 * when most of its life is over.
 */
export function selfSignedServingCertificate(options: {
  readonly names: readonly string[];
  readonly ips: readonly string[];
  readonly clock: Clock;
}): ServingCertificate {
  let made: { readonly pair: KeyPair; readonly renewAtMs: number } | undefined;
  return async () => {
    const nowMs = options.clock.now();
    if (made === undefined || nowMs >= made.renewAtMs) {
      const pair = await selfSign({ ...options, notBeforeMs: nowMs, notAfterMs: nowMs + selfSignedLifeMs });
      made = { pair, renewAtMs: nowMs + selfSignedLifeMs * 0.8 };
    }
    return made.pair;
  };
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CodedError('InvalidInput', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
