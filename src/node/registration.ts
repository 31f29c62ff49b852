import { type ApiClient, nodes } from '../apiserver/client.ts';
import type { Node } from '../kubernetes/objects.ts';
import { hasCode, messageOf } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import { appliedAnnotations, appliedNode } from './applied-node.ts';
import { type NodeMerge, nodeObjectPatch, nodeStatusPatch } from './node-patch.ts';
import type { DesiredNode } from './node-status.ts';
import { isRestrictedLabel } from './restricted-labels.ts';

/** Something to tell about the node; never throws and never waits. */
export type RecordNodeEvent = (event: {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}) => void;

export interface RegistrationDependencies {
  readonly client: ApiClient;
  readonly log: Logger;
  readonly recordEvent: RecordNodeEvent;
}

export interface RegisterOptions {
  readonly signal: AbortSignal;
  /** Write the status though nothing in it has changed. */
  readonly heartbeat: boolean;
}

export interface Registered {
  readonly node: Node;
  /** Whether a status was written. */
  readonly isStatusWritten: boolean;
}

interface RestrictedParts {
  readonly labels: readonly string[];
  readonly taints: boolean;
}

/** No call about the node waits longer: the lease is to be renewed meanwhile. */
const timeoutMs = 10_000;

/**
 * Makes the Node object what we want it to be: creates it, or merges what we want into what others have made of it. What
 * NodeRestriction refuses is left out from then on, and said once with the way out.
 */
export class NodeRegistration {
  readonly #client: ApiClient;
  readonly #log: Logger;
  readonly #recordEvent: RecordNodeEvent;
  #refusedLabels: ReadonlySet<string> = new Set();
  #mayTaint = true;

  constructor({ client, log, recordEvent }: RegistrationDependencies) {
    this.#client = client;
    this.#log = log;
    this.#recordEvent = recordEvent;
  }

  /** The node as the API server has it; undefined where it has none. */
  async read(name: string, signal: AbortSignal): Promise<Node | undefined> {
    try {
      return await this.#client.get(nodes, { name }, { signal, timeoutMs });
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Creates the node or brings `current` to what is desired, with as few requests as that takes: none to three. */
  async register(current: Node | undefined, desired: DesiredNode, options: RegisterOptions): Promise<Registered> {
    if (current === undefined) {
      const node = await this.#create(desired, options.signal);
      this.#log.info('Node registered', { node: desired.nodeName, uid: node.metadata?.uid });
      return { node, isStatusWritten: true };
    }
    const merged = await this.#patchObject(current, desired, options.signal);
    const statusPatch = nodeStatusPatch(this.#merge(current, desired), options);
    if (statusPatch === undefined) return { node: merged, isStatusWritten: false };
    const subresource = 'status';
    const request = { type: 'strategic', subresource, signal: options.signal, timeoutMs } as const;
    const node = await this.#client.patch(nodes, { name: desired.nodeName }, statusPatch, request);
    return { node, isStatusWritten: true };
  }

  async #create(desired: DesiredNode, signal: AbortSignal): Promise<Node> {
    const create = (): Promise<Node> =>
      this.#client.create(nodes, nodeObject(desired, this.#refusedLabels), { signal, timeoutMs });
    try {
      return await create();
    } catch (error) {
      const refused = Object.keys(desired.labels).filter(
        (key) => isRestrictedLabel(key) && !this.#refusedLabels.has(key),
      );
      if (!hasCode(error, 'Forbidden') || refused.length === 0) throw error;
      const node = await this.#without(refused, create);
      this.#sayRefused(desired.nodeName, { labels: refused, taints: false }, error);
      return node;
    }
  }

  async #patchObject(current: Node, desired: DesiredNode, signal: AbortSignal): Promise<Node> {
    const patch = async (): Promise<Node> => {
      const body = nodeObjectPatch(this.#merge(current, desired));
      if (body === undefined) return current;
      return this.#client.patch(nodes, { name: desired.nodeName }, body, { type: 'strategic', signal, timeoutMs });
    };
    try {
      return await patch();
    } catch (error) {
      if (!hasCode(error, 'Forbidden')) throw error;
      const refused = this.#restrictedParts(current, desired);
      if (refused.labels.length === 0 && !refused.taints) throw error;
      const mayTaint = this.#mayTaint;
      this.#mayTaint = mayTaint && !refused.taints;
      try {
        const node = await this.#without(refused.labels, patch);
        this.#sayRefused(desired.nodeName, refused, error);
        return node;
      } catch (again) {
        this.#mayTaint = mayTaint;
        throw again;
      }
    }
  }

  /** What of the change NodeRestriction would refuse: some labels, and any change of taints. */
  #restrictedParts(current: Node, desired: DesiredNode): RestrictedParts {
    const body = nodeObjectPatch(this.#merge(current, desired));
    return {
      labels: Object.keys(body?.metadata.labels ?? {}).filter(isRestrictedLabel),
      taints: body?.spec?.taints !== undefined,
    };
  }

  /** Does `work` with more labels left out; they stay left out where that was the cure. */
  async #without(labels: readonly string[], work: () => Promise<Node>): Promise<Node> {
    const before = this.#refusedLabels;
    this.#refusedLabels = new Set([...before, ...labels]);
    try {
      return await work();
    } catch (error) {
      this.#refusedLabels = before;
      throw error;
    }
  }

  #merge(current: Node, desired: DesiredNode): NodeMerge {
    const applied = appliedNode(current);
    return { current, applied, desired, refusedLabels: this.#refusedLabels, mayTaint: this.#mayTaint };
  }

  #sayRefused(nodeName: string, { labels, taints }: RestrictedParts, error: unknown): void {
    const things = [
      ...(labels.length > 0 ? [`the labels ${labels.join(', ')}`] : []),
      ...(taints ? ['its taint'] : []),
    ].join(' and ');
    const message =
      `The API server does not let the node set ${things} on itself (NodeRestriction). ` +
      `Run "virtual-kubelet init-node --nodename ${nodeName}" once with an identity that may; see docs/identity.md`;
    this.#log.warn(message, { node: nodeName, refusal: messageOf(error) });
    this.#recordEvent({ type: 'Warning', reason: 'NodeLabelsForbidden', message });
  }
}

/** The node as it is created, its status included. */
function nodeObject(desired: DesiredNode, refusedLabels: ReadonlySet<string>): Node & { metadata: { name: string } } {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: desired.nodeName,
      labels: Object.fromEntries(Object.entries(desired.labels).filter(([key]) => !refusedLabels.has(key))),
      annotations: { ...appliedAnnotations(desired, refusedLabels) },
    },
    spec: {
      ...(desired.taints.length > 0 && { taints: [...desired.taints] }),
      ...(desired.providerId !== undefined && { providerID: desired.providerId }),
    },
    status: desired.status,
  };
}
