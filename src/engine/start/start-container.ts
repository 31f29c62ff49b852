import { hostname } from 'node:os';
import type { Pod } from '../../kubernetes/objects.ts';
import { podRef } from '../../kubernetes/objects.ts';
import { containerEnvironment } from '../../podspec/environment/container-environment.ts';
import { imagePullCredentials } from '../../podspec/images/pull-credentials.ts';
import { pullSecrets } from '../../podspec/images/pull-secrets.ts';
import { parseQuantity, wholeUnits } from '../../podspec/resources/quantity.ts';
import { CodedError, hasCode, messageOf } from '../../support/errors.ts';
import { writeHostsFile } from '../disk/hosts-file.ts';
import { podFolder } from '../disk/pod-folder.ts';
import { makeTerminationMessageFile } from '../disk/termination-message.ts';
import type { EngineContext } from '../engine-context.ts';
import type { ImagePuller } from '../images/image-puller.ts';
import { provideImage } from '../images/provide-image.ts';
import type { PodSandbox } from '../pod/actual-pod.ts';
import { type ContainerIdentity, ownedBy } from '../pod/labels.ts';
import { fieldPathOf } from '../pod/spec-containers.ts';
import { kernelHostname, podHostname } from '../sandbox/hostname.ts';
import type { Slots } from '../slots.ts';
import { isUnanswered } from '../unanswered.ts';
import { containerSpec } from './container-spec.ts';
import { mountSubPaths } from './mount-sub-paths.ts';
import { type HeldNamespace, holdPidNamespace } from './target-namespace.ts';

export interface StartRequest {
  readonly pod: Pod;
  readonly identity: ContainerIdentity;
  readonly sandbox: PodSandbox;
  /** Made before, and not started: by us before a crash. */
  readonly createdId: string | undefined;
  /** Of the container that `targetContainerName` names. */
  readonly targetId: string | undefined;
  /** Told of the container's id before its process is started. */
  readonly onCreated: (id: string) => void;
  /** Aborts where the container is not wanted any more: nothing is begun then, but what was begun is finished. */
  readonly signal: AbortSignal;
  /** Aborts where the engine ends. */
  readonly engineSignal: AbortSignal;
}

export interface StartTools {
  readonly puller: ImagePuller;
  /** Bounds how many containers are made and started at the same time. */
  readonly starts: Slots;
}

/**
 * Starts a container of the spec: image, environment, container, process (kubelet's `startContainer`), with kubelet's
 * events. Resolves with its id; rejects with kubelet's word for what failed as `reason`, without one where the runtime
 * did not answer.
 */
export async function startContainer(
  context: EngineContext,
  tools: StartTools,
  request: StartRequest,
): Promise<string> {
  const target = await holdTarget(context, request);
  try {
    const id = request.createdId ?? (await create(context, tools, { ...request, targetNamespace: target?.path }));
    request.onCreated(id);
    request.signal.throwIfAborted();
    await run(context, tools, { request, id });
    return id;
  } finally {
    await target?.release();
  }
}

async function run(
  context: EngineContext,
  { starts }: StartTools,
  { request, id }: { readonly request: StartRequest; readonly id: string },
): Promise<void> {
  const { signal, engineSignal } = request;
  const record = recorder(context, request);
  try {
    await starts.use({ signal }, () => context.runtime.startContainer(id, { signal: engineSignal }));
  } catch (error) {
    throw told(error, 'RunContainerError', { record, id, request });
  }
  record('Normal', 'Started', 'Container started');
}

async function holdTarget(context: EngineContext, request: StartRequest): Promise<HeldNamespace | undefined> {
  const { identity, targetId, engineSignal: signal } = request;
  const { targetContainerName: name } = identity.container;
  if (!name) return undefined;
  try {
    if (targetId === undefined) throw new CodedError('NotFound', 'it was never started');
    return await holdPidNamespace(context.runtime, targetId, { signal });
  } catch (error) {
    const message = `unable to find target container "${name}": ${messageOf(error)}`;
    const named = isUnanswered(error) ? error : new CodedError('Conflict', message, { cause: error });
    throw told(named, 'CreateContainerError', { record: recorder(context, request), request });
  }
}

async function create(
  context: EngineContext,
  tools: StartTools,
  request: StartRequest & { readonly targetNamespace: string | undefined },
): Promise<string> {
  const { runtime, owner, node, rootDir, references } = context;
  const { pod, identity, sandbox, signal } = request;
  const { container, role } = identity;
  const record = recorder(context, request);
  const podIps = pod.spec?.hostNetwork ? [node.ip] : sandbox.ips;
  const folder = podFolder(rootDir, podRef(pod).uid);
  try {
    const credentials = async () => {
      const secrets = await pullSecrets(pod, { references, recordEvent: context.recordEvent, signal });
      return imagePullCredentials(secrets, container.image ?? '');
    };
    const image = await provideImage(context, tools.puller, { pod, container, role, credentials, signal });
    const nodeAllocatable = await node.allocatable({ signal });
    const environment = await containerEnvironment(
      {
        pod,
        container,
        references,
        podIps,
        hostIps: [node.ip],
        nodeAllocatable,
        recordEvent: context.recordEvent,
      },
      { signal },
    );
    await writeHostsFile(folder.hostsFile, { ips: podIps, ...podHostname(pod, node.clusterDomain) }, pod);
    await makeTerminationMessageFile(folder.terminationMessage(container.name, identity.attempt));
    const subPaths = await mountSubPaths(context.mounts, { pod, identity, folder, environment });
    const spec = containerSpec({
      pod,
      identity,
      sandboxId: sandbox.id,
      image,
      environment,
      hostname: kernelHostname(pod, { clusterDomain: node.clusterDomain, machine: hostname() }),
      rootDir,
      folder,
      subPaths,
      targetNamespace: request.targetNamespace,
      owner,
      nodeMemoryBytes: wholeUnits(parseQuantity(nodeAllocatable['memory'] ?? '0')),
    });
    const id = await tools.starts.use({ signal }, async () => {
      try {
        return await runtime.createContainer(spec, { signal: request.engineSignal });
      } catch (error) {
        if (hasCode(error, 'AlreadyExists')) return await idOf(context, request, spec.name);
        throw error;
      }
    });
    record('Normal', 'Created', 'Container created');
    return id;
  } catch (error) {
    throw told(error, 'CreateContainerError', { record, request });
  }
}

/** An attempt that was made before: by a call whose answer we did not live to see. */
async function idOf({ runtime, owner }: EngineContext, request: StartRequest, name: string): Promise<string> {
  const filter = ownedBy(owner, podRef(request.pod).uid);
  const containers = await runtime.listContainers(filter, { signal: request.engineSignal });
  const found = containers.find((container) => container.name === name);
  if (!found) throw new CodedError('Conflict', `another container on this runtime is called ${name}; remove it`);
  return found.id;
}

type Record = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

function recorder({ recordEvent }: EngineContext, { pod, identity }: StartRequest): Record {
  return (type, reason, message) =>
    recordEvent({ pod: podRef(pod), type, reason, message, fieldPath: fieldPathOf(identity) });
}

/** The failure in kubelet's words, told by an event; as it is where it says nothing about the container. */
function told(
  error: unknown,
  reason: string,
  { record, id, request }: { readonly record: Record; readonly id?: string; readonly request: StartRequest },
): unknown {
  if (request.signal.aborted || isUnanswered(error)) return error;
  const word = error instanceof CodedError ? error.reason : undefined;
  // An id in the message would make each event a new one.
  const message =
    id === undefined ? messageOf(error) : messageOf(error).replaceAll(id, request.identity.container.name);
  record('Warning', 'Failed', `Error: ${imageFailures.has(word ?? '') ? word : message}`);
  return new CodedError('Internal', message, { reason: word ?? reason, cause: error });
}

/** Said by their name alone, as kubelet does: what happened stands in an event of its own. */
const imageFailures: ReadonlySet<string> = new Set(['ErrImagePull', 'ErrImageNeverPull', 'InvalidImageName']);
