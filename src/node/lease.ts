import { type ApiClient, leases } from '../apiserver/client.ts';
import type { Lease } from '../kubernetes/objects.ts';
import { type Clock, toRfc3339Micro } from '../support/clock.ts';
import { CodedError, hasCode } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import {
  describeHolding,
  type Holding,
  holderAnnotation,
  holdingOf,
  isFree,
  type LeaseHolder,
} from './lease-holder.ts';
import type { RecordNodeEvent } from './registration.ts';

export interface NodeLeaseDependencies {
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recordEvent: RecordNodeEvent;
  /** This process. */
  readonly self: LeaseHolder;
  readonly isAlive: (pid: number) => boolean;
  /** The UID of the Node, which owns the lease; undefined until it is known. */
  readonly nodeUid: () => string | undefined;
}

const namespace = 'kube-node-lease';
/** kubelet's: `nodeLeaseDurationSeconds`, renewed at a quarter of it. */
const durationSeconds = 40;
const renewIntervalMs = 10_000;
const retryIntervalMs = 2000;
/** Whoever has not renewed for one interval and a half is not going to. */
const watchMs = 15_000;
const lookIntervalMs = 1000;
const timeoutMs = 10_000;
/** After so many the lease has long run out. */
const maxUnanswered = 100;

/**
 * The lease by whose renewal the control plane knows that the node lives. It also tells two processes of one node name
 * about each other: each writes itself into an annotation and finds the other there.
 */
export class NodeLease {
  readonly #dependencies: NodeLeaseDependencies;
  /** As last written by us. */
  #lease: Lease | undefined;
  /** The renewTimes that we sent since one was answered, that one included: any of them may stand in the lease. */
  #sentRenewTimes: string[] = [];
  #lastOther: string | undefined;

  constructor(dependencies: NodeLeaseDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Takes the lease before anything else is done in the node's name. Where another process may live, on a machine that we
   * cannot look into, waits up to 15 s to see whether it renews; `AlreadyExists` if it does.
   */
  async claim(signal: AbortSignal): Promise<void> {
    const { self, isAlive, clock, log, nodeName } = this.#dependencies;
    let watched: { readonly renewTime: string | undefined; readonly untilMs: number } | undefined;
    for (;;) {
      const lease = await this.#read(signal);
      const nowMs = clock.now();
      // A lease that vanishes under our eyes says nothing: it goes with a deleted Node, and its holder makes it anew.
      const isVanished = watched !== undefined && lease === undefined;
      const isQuiet = watched !== undefined && nowMs >= watched.untilMs;
      if (isQuiet || (!isVanished && isFree({ lease, self, nowMs, isAlive }))) {
        if (await this.#write(lease, signal)) return;
      } else if (watched === undefined) {
        watched = { renewTime: lease?.spec?.renewTime, untilMs: nowMs + watchMs };
        const holder = describeHolding(holdingOf(lease));
        log.warn(`Node name ${nodeName} was in use moments ago by ${holder} waiting to see whether it still is`);
      } else if (!isVanished && lease?.spec?.renewTime !== watched.renewTime) {
        throw this.#taken(lease);
      }
      await clock.sleep(lookIntervalMs, { signal });
    }
  }

  /** Renews every 10 s until the signal aborts, then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#dependencies;
    let isFailing = false;
    try {
      for (;;) {
        try {
          await this.#renew(signal);
          if (isFailing) log.info('The lease of the node is renewed again');
          isFailing = false;
        } catch (error) {
          if (signal.aborted) throw error;
          if (!isFailing) log.warn(`The lease of the node could not be renewed; trying again`, { error });
          isFailing = true;
        }
        await clock.sleep(isFailing ? retryIntervalMs : renewIntervalMs, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Lets go, so that a successor elsewhere need not wait. Called when all else has ended. */
  async release(signal: AbortSignal): Promise<void> {
    const lease = await this.#read(signal);
    const holding = holdingOf(lease);
    if (holding.kind !== 'process' || holding.holder.id !== this.#dependencies.self.id) return;
    const { metadata } = lease ?? {};
    const annotations = { ...metadata?.annotations, [holderAnnotation]: '' };
    const { client } = this.#dependencies;
    await client.update(leases, { ...lease, metadata: { ...metadata, annotations } }, { signal, timeoutMs });
  }

  async #renew(signal: AbortSignal): Promise<void> {
    if (this.#lease !== undefined && (await this.#write(this.#lease, signal))) return;
    // Somebody changed or deleted it since we wrote it.
    const lease = await this.#read(signal);
    this.#notice(lease);
    await this.#write(lease, signal);
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, nodeName } = this.#dependencies;
    try {
      return await client.get(leases, { namespace, name: nodeName }, { signal, timeoutMs });
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Renews the lease as it was read; false where somebody else has changed it since. */
  async #write(lease: Lease | undefined, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#dependencies;
    const options = { signal, timeoutMs };
    try {
      const renewed = this.#renewed(lease);
      const renewTime = renewed.spec?.renewTime ?? '';
      this.#sentRenewTimes = [...this.#sentRenewTimes.slice(1 - maxUnanswered), renewTime];
      this.#lease =
        lease === undefined
          ? await client.create(leases, renewed, options)
          : await client.update(leases, renewed, options);
      this.#sentRenewTimes = [renewTime];
      return true;
    } catch (error) {
      this.#lease = undefined;
      const isOutrun = hasCode(error, 'Conflict') || hasCode(error, 'AlreadyExists') || hasCode(error, 'NotFound');
      if (!isOutrun) throw error;
      return false;
    }
  }

  #renewed(lease: Lease | undefined): Lease & { metadata: NonNullable<Lease['metadata']> } {
    const { nodeName, self, clock, nodeUid } = this.#dependencies;
    const uid = nodeUid();
    const owners = uid === undefined ? undefined : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }];
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...lease?.metadata,
        namespace,
        name: nodeName,
        annotations: { ...lease?.metadata?.annotations, [holderAnnotation]: JSON.stringify(self) },
        ...(owners && { ownerReferences: owners }),
      },
      spec: {
        ...lease?.spec,
        holderIdentity: nodeName,
        leaseDurationSeconds: durationSeconds,
        renewTime: toRfc3339Micro(clock.now()),
      },
    };
  }

  /** Says it, once for each other process, where somebody else has renewed our lease. */
  #notice(lease: Lease | undefined): void {
    const { self, log, recordEvent, nodeName } = this.#dependencies;
    const holding = holdingOf(lease);
    const isOurs = holding.kind === 'process' && holding.holder.id === self.id;
    // A stranger leaves our annotation as it is.
    const isRenewedByOther =
      this.#sentRenewTimes.length > 0 && !this.#sentRenewTimes.includes(lease?.spec?.renewTime ?? '');
    if (holding.kind === 'nobody' || (isOurs && !isRenewedByOther)) return;
    const other: Holding = isOurs ? { kind: 'stranger' } : holding;
    const name = other.kind === 'process' ? other.holder.id : other.kind;
    if (name === this.#lastOther) return;
    this.#lastOther = name;
    const message =
      `Two processes are node ${nodeName}: ${describeHolding(other)} renews its lease, and so does ` +
      `process ${self.pid} on ${self.host}. Pods may be run twice. Stop one of them, or give it another --nodename`;
    log.error(message);
    recordEvent({ type: 'Warning', reason: 'NodeNameTaken', message });
  }

  #taken(lease: Lease | undefined): CodedError {
    const { nodeName } = this.#dependencies;
    return new CodedError(
      'AlreadyExists',
      `the node name ${nodeName} is taken: another process, ${describeHolding(holdingOf(lease))} renews its lease. ` +
        'Stop it, or choose another --nodename',
    );
  }
}
