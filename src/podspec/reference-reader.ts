import { type ConfigMap, type Pod, podRef, type Secret } from '../kubernetes/objects.ts';
import { CodedError } from '../support/errors.ts';
import type { RecordPodEvent } from './pod-events.ts';
import type { PodReferences } from './references.ts';

export interface ReferenceReaderOptions {
  readonly pod: Pod;
  readonly references: PodReferences;
  /** Told of objects and keys that are missing, whether that is allowed or not. */
  readonly recordEvent?: RecordPodEvent | undefined;
  /** Reason of the error where something missing is mandatory: `CreateContainerConfigError`, `FailedMount`. */
  readonly reason: string;
  readonly signal: AbortSignal;
}

type Kind = 'Secret' | 'ConfigMap';

/**
 * Reads what one container or volume of a pod refers to, each object once, so that all of it is of one moment. What is
 * missing and optional is undefined; mandatory, it is a `NotFound` error in kubelet's words. Events have the reasons of
 * the Go virtual kubelet (`MandatorySecretNotFound`, `OptionalConfigMapKeyNotFound`, …).
 */
export class ReferenceReader {
  readonly #options: ReferenceReaderOptions;
  readonly #namespace: string;
  readonly #secrets = new Map<string, Promise<Secret | undefined>>();
  readonly #configMaps = new Map<string, Promise<ConfigMap | undefined>>();

  constructor(options: ReferenceReaderOptions) {
    this.#options = options;
    this.#namespace = podRef(options.pod).namespace;
  }

  async secret(name: string, optional = false): Promise<Secret | undefined> {
    const { references, signal } = this.#options;
    const secret = await remembered(this.#secrets, name, () => references.secret(this.#namespace, name, { signal }));
    if (!secret) this.#missing('Secret', '', `secret "${name}" not found`, optional);
    return secret;
  }

  async configMap(name: string, optional = false): Promise<ConfigMap | undefined> {
    const { references, signal } = this.#options;
    const configMap = await remembered(this.#configMaps, name, () =>
      references.configMap(this.#namespace, name, { signal }),
    );
    if (!configMap) this.#missing('ConfigMap', '', `configmap "${name}" not found`, optional);
    return configMap;
  }

  /** Says that an object lacks a key; throws unless that is allowed. */
  missingKey(kind: Kind, message: string, optional = false): void {
    this.#missing(kind, 'Key', message, optional);
  }

  #missing(kind: Kind, part: 'Key' | '', message: string, optional: boolean): void {
    const { pod, recordEvent, reason } = this.#options;
    recordEvent?.({
      pod: podRef(pod),
      type: 'Warning',
      reason: `${optional ? 'Optional' : 'Mandatory'}${kind}${part}NotFound`,
      message,
    });
    if (!optional) throw new CodedError('NotFound', message, { reason });
  }
}

/** The bytes of a secret's or ConfigMap's base64 value. */
export function decodeBase64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

function remembered<T>(known: Map<string, Promise<T>>, name: string, read: () => Promise<T>): Promise<T> {
  const reading = known.get(name) ?? read();
  known.set(name, reading);
  return reading;
}
