import type { Container, EnvVar, EphemeralContainer, Pod } from '../../kubernetes/objects.ts';
import { environmentFieldValue, type PodAddresses } from '../downward-api/field-value.ts';
import { resourceFieldValue } from '../downward-api/resource-value.ts';
import type { RecordPodEvent } from '../pod-events.ts';
import { decodeBase64, ReferenceReader } from '../reference-reader.ts';
import type { PodReferences } from '../references.ts';
import { expand, own } from './expand.ts';
import { serviceVariables } from './service-variables.ts';

export interface EnvironmentInput extends PodAddresses {
  readonly pod: Pod;
  readonly container: Container | EphemeralContainer;
  readonly references: PodReferences;
  /** What the node has for pods: the limit of a container that sets none. */
  readonly nodeAllocatable?: Readonly<Record<string, string>>;
  readonly recordEvent?: RecordPodEvent;
}

/** Why a container with it cannot be made: kubelet's waiting reason. */
const reason = 'CreateContainerConfigError';

/**
 * The environment of a container, the image's own left out: variables of services, then `envFrom` in its order, then
 * `env`, each over what came before, with `$(NAME)` filled in from what came before (kubelet's
 * `makeEnvironmentVariables`). A mandatory object or key that is missing is a `NotFound` error with reason
 * `CreateContainerConfigError`; a reference that makes no sense an `InvalidInput` one.
 */
export async function containerEnvironment(
  input: EnvironmentInput,
  options: { readonly signal: AbortSignal },
): Promise<Record<string, string>> {
  const { pod, container, references, recordEvent } = input;
  const namespace = pod.metadata?.namespace ?? '';
  const reader = new ReferenceReader({ pod, references, recordEvent, reason, signal: options.signal });
  const ofServices = serviceVariables(references.services(namespace), {
    namespace,
    enableServiceLinks: pod.spec?.enableServiceLinks ?? true,
  });

  const declared = await importedVariables(container, reader);
  for (const variable of container.env ?? []) {
    const value = variable.value
      ? expand(variable.value, (name) => declared.get(name) ?? own(ofServices, name))
      : await referredValue(variable, input, reader);
    if (value !== undefined) declared.set(variable.name, value);
  }
  return { ...ofServices, ...Object.fromEntries(declared) };
}

async function importedVariables(
  { envFrom = [] }: Container | EphemeralContainer,
  reader: ReferenceReader,
): Promise<Map<string, string>> {
  const variables = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of envFrom) {
    if (configMapRef) {
      const configMap = await reader.configMap(configMapRef.name ?? '', configMapRef.optional);
      for (const [key, value] of Object.entries(configMap?.data ?? {})) variables.set(prefix + key, value);
    } else if (secretRef) {
      const secret = await reader.secret(secretRef.name ?? '', secretRef.optional);
      for (const [key, value] of Object.entries(secret?.data ?? {})) {
        variables.set(prefix + key, decodeBase64(value).toString());
      }
    }
  }
  return variables;
}

/** Undefined where something optional is missing: the variable is then not set at all. */
async function referredValue(
  { valueFrom }: EnvVar,
  input: EnvironmentInput,
  reader: ReferenceReader,
): Promise<string | undefined> {
  const { pod, container } = input;
  const namespace = pod.metadata?.namespace ?? '';
  if (valueFrom?.fieldRef) return environmentFieldValue(valueFrom.fieldRef.fieldPath, pod, input);
  if (valueFrom?.resourceFieldRef) {
    return resourceFieldValue(valueFrom.resourceFieldRef, pod, {
      own: container,
      nodeAllocatable: input.nodeAllocatable ?? {},
    });
  }
  if (valueFrom?.configMapKeyRef) {
    const { name = '', key, optional } = valueFrom.configMapKeyRef;
    const configMap = await reader.configMap(name, optional);
    const value = configMap && own(configMap.data ?? {}, key);
    if (configMap && value === undefined) {
      reader.missingKey('ConfigMap', `couldn't find key ${key} in ConfigMap ${namespace}/${name}`, optional);
    }
    return value;
  }
  if (valueFrom?.secretKeyRef) {
    const { name = '', key, optional } = valueFrom.secretKeyRef;
    const secret = await reader.secret(name, optional);
    const value = secret && own(secret.data ?? {}, key);
    if (secret && value === undefined) {
      reader.missingKey('Secret', `couldn't find key ${key} in Secret ${namespace}/${name}`, optional);
    }
    return value === undefined ? undefined : decodeBase64(value).toString();
  }
  return '';
}
