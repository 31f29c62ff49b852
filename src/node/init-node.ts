import { type ApiClient, nodes } from '../apiserver/client.ts';
import type { Node } from '../kubernetes/objects.ts';
import { hasCode } from '../support/errors.ts';
import { appliedNode } from './applied-node.ts';
import { nodeObjectPatch } from './node-patch.ts';
import { type DesiredNode, type NodeIdentity, nodeLabels } from './node-status.ts';

export interface InitNodeOptions {
  /** With an identity that may create nodes and patch this one: deploy/init-node-role.yaml. */
  readonly client: ApiClient;
  readonly identity: Pick<NodeIdentity, 'nodeName' | 'operatingSystem' | 'taint'>;
  readonly signal: AbortSignal;
}

/**
 * The init step: creates the node with the labels and the taint of a virtual node, or adds them to the one there is, so
 * that the node's own identity need not set what NodeRestriction forbids it. Says which of the two it did, or that there
 * was nothing to do.
 */
export async function initNode(options: InitNodeOptions): Promise<'created' | 'patched' | 'unchanged'> {
  for (;;) {
    try {
      return await createOrPatch(options);
    } catch (error) {
      // Somebody was faster, or changed the taints meanwhile: look again.
      if (!hasCode(error, 'AlreadyExists') && !hasCode(error, 'Conflict')) throw error;
      options.signal.throwIfAborted();
    }
  }
}

async function createOrPatch({
  client,
  identity,
  signal,
}: InitNodeOptions): Promise<'created' | 'patched' | 'unchanged'> {
  const { nodeName: name, taint } = identity;
  const labels = nodeLabels(identity);
  const taints = taint === undefined ? [] : [taint];
  const current = await find(client, name, signal);
  if (current === undefined) {
    const metadata = { name, labels: { ...labels } };
    await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata, spec: { taints } }, { signal });
    return 'created';
  }
  // Not complete: it adds and replaces labels, and takes none away.
  const desired: DesiredNode = { nodeName: name, labels, taints, providerId: undefined, status: {}, isComplete: false };
  const applied = appliedNode(current);
  const patch = nodeObjectPatch({ current, applied, desired, refusedLabels: new Set(), mayTaint: true });
  if (patch === undefined) return 'unchanged';
  await client.patch(nodes, { name }, patch, { type: 'strategic', signal });
  return 'patched';
}

async function find(client: ApiClient, name: string, signal: AbortSignal): Promise<Node | undefined> {
  try {
    return await client.get(nodes, { name }, { signal });
  } catch (error) {
    if (hasCode(error, 'NotFound')) return undefined;
    throw error;
  }
}
