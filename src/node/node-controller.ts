import type { ApiClient } from '../apiserver/client.ts';
import type { Node } from '../kubernetes/objects.ts';
import type { NodeOffer, Provider } from '../provider/provider.ts';
import { withTimeout } from '../support/abort.ts';
import { type Clock, toRfc3339 } from '../support/clock.ts';
import { CodedError, hasCode, messageOf } from '../support/errors.ts';
import type { Logger } from '../support/logger.ts';
import { NodeLease } from './lease.ts';
import { isProcessAlive, type LeaseHolder, thisProcess } from './lease-holder.ts';
import { desiredNode, type NodeHealth, type NodeIdentity } from './node-status.ts';
import { type PingResult, ProviderPing } from './ping.ts';
import { NodeRegistration, type RecordNodeEvent } from './registration.ts';

export interface NodeControllerOptions {
  readonly identity: NodeIdentity;
  readonly client: ApiClient;
  readonly provider: Pick<Provider, 'describeNode' | 'ping'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recordEvent: RecordNodeEvent;
  /** Called when the provider can run pods again after it could not. */
  readonly onProviderBack?: () => void;
  /** Default: this process. */
  readonly self?: LeaseHolder;
  /** Default: asks the operating system. */
  readonly isAlive?: (pid: number) => boolean;
}

/** How often the node is compared with what it should be, as kubelet does; a node deleted is missed no longer. */
const lookIntervalMs = 10_000;
/** The status is written so often though nothing changes. */
const heartbeatIntervalMs = 60_000;
const retryIntervalMs = 2000;
const describeTimeoutMs = 10_000;
const releaseTimeoutMs = 5000;

/** Keeps the Node object, its status and its lease. Not Ready until `markReady` has been called and a ping succeeds. */
export class NodeController {
  readonly #options: NodeControllerOptions;
  readonly #registration: NodeRegistration;
  readonly #lease: NodeLease;
  readonly #ping: ProviderPing;
  #offer: NodeOffer | undefined;
  #isOfferStale = true;
  #hasProviderFailed = false;
  #isStarted = false;
  #node: Node | undefined;
  /** What has kept the node from being brought up to date since that last succeeded. */
  readonly #failures = new Set<string>();
  #statusWrittenAtMs = Number.NEGATIVE_INFINITY;
  #wake: () => void = () => {};

  constructor(options: NodeControllerOptions) {
    this.#options = options;
    const { identity, client, provider, clock, log, recordEvent } = options;
    this.#registration = new NodeRegistration({ client, log, recordEvent });
    this.#ping = new ProviderPing({ provider, clock, onChange: (result) => this.#onPing(result) });
    this.#lease = new NodeLease({
      nodeName: identity.nodeName,
      client,
      clock,
      log,
      recordEvent,
      self: options.self ?? thisProcess(toRfc3339(clock.now())),
      isAlive: options.isAlive ?? isProcessAlive,
      nodeUid: () => this.#node?.metadata?.uid,
    });
  }

  /**
   * Makes sure that no other process is this node, before anything is done in its name; up to 15 s where that takes
   * watching. `AlreadyExists` where there is one.
   */
  claim(options: { readonly signal: AbortSignal }): Promise<void> {
    return this.#lease.claim(options.signal);
  }

  /**
   * Registers the node, so that what the API server will never take is known at start: `InvalidInput`, with the lease let
   * go. What may pass is left to `run`.
   */
  async register({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    try {
      await this.#sync(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      if (!hasCode(error, 'InvalidInput')) return this.#tellOnce(error);
      await this.#letGo();
      const { nodeName } = this.#options.identity;
      throw new CodedError('InvalidInput', `the API server does not take node ${nodeName}`, { cause: error });
    }
  }

  /** Pods can be taken from now on: the node may be Ready. */
  markReady(): void {
    this.#isStarted = true;
    this.#wake();
  }

  /** The node as the API server had it some seconds ago; undefined before it is registered. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** The node as the API server has it now; undefined where it has none. */
  async readNode({ signal }: { readonly signal: AbortSignal }): Promise<Node | undefined> {
    const node = await this.#registration.read(this.#options.identity.nodeName, signal);
    if (node !== undefined) this.#node = node;
    return node;
  }

  /** Registers the node and keeps it until the signal aborts; then lets go of the lease and resolves. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await Promise.all([this.#ping.run(signal), this.#keepNode(signal), this.#lease.run(signal)]);
    await this.#letGo();
  }

  async #letGo(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      const options = { timeoutMs: releaseTimeoutMs, clock };
      await withTimeout('letting go of the lease', options, (ended) => this.#lease.release(ended));
    } catch (error) {
      log.warn('The lease of the node was not let go: a process elsewhere will wait for it to run out', { error });
    }
  }

  async #keepNode(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        let delayMs = lookIntervalMs;
        try {
          await this.#sync(signal);
          this.#failures.clear();
        } catch (error) {
          if (signal.aborted) throw error;
          this.#tellOnce(error);
          delayMs = retryIntervalMs;
        }
        await this.#sleep(delayMs, { signal, changed });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Once for each failure since the node was last brought up to date: it is tried again every 2 s. */
  #tellOnce(error: unknown): void {
    const message = messageOf(error);
    if (this.#failures.has(message)) return;
    this.#failures.add(message);
    const { log } = this.#options;
    if (hasCode(error, 'InvalidInput') || hasCode(error, 'Forbidden')) {
      log.error('The API server refuses the node, and will until what it names is changed; trying again', { error });
    } else {
      log.warn('The node could not be brought up to date; trying again', { error });
    }
  }

  /** Waits for the time, or until something has changed. */
  async #sleep(
    delayMs: number,
    { signal, changed }: { readonly signal: AbortSignal; readonly changed: Promise<void> },
  ): Promise<void> {
    const done = new AbortController();
    const slept = this.#options.clock.sleep(delayMs, { signal: AbortSignal.any([signal, done.signal]) });
    try {
      await Promise.race([slept, changed]);
    } finally {
      done.abort();
      slept.catch(() => {});
    }
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { identity, clock } = this.#options;
    await this.#describe(signal);
    const current = await this.#registration.read(identity.nodeName, signal);
    const nowMs = clock.now();
    const desired = desiredNode({
      identity,
      offer: this.#offer,
      health: this.#health(),
      nowMs,
      present: current?.status,
    });
    const heartbeat = nowMs - this.#statusWrittenAtMs >= heartbeatIntervalMs;
    const { node, isStatusWritten } = await this.#registration.register(current, desired, { signal, heartbeat });
    this.#node = node;
    if (isStatusWritten) this.#statusWrittenAtMs = nowMs;
  }

  /** Asks the provider what it offers, unless it has said so since it last failed. A failure waits for the next look. */
  async #describe(signal: AbortSignal): Promise<void> {
    const { provider, clock, log } = this.#options;
    if (!this.#isOfferStale || this.#ping.result.kind === 'failed') return;
    try {
      this.#offer = await withTimeout(
        "the provider's description of the node",
        { timeoutMs: describeTimeoutMs, clock, signal },
        (ended) => provider.describeNode({ signal: ended }),
      );
      this.#isOfferStale = false;
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn('The provider could not describe the node', { error });
    }
  }

  #onPing(result: PingResult): void {
    const { log, onProviderBack } = this.#options;
    if (result.kind === 'failed') {
      log.error('The provider cannot run pods now', { reason: result.reason, why: result.message });
      this.#hasProviderFailed = true;
      this.#isOfferStale = true;
    } else if (this.#hasProviderFailed) {
      log.info('The provider can run pods again');
      this.#hasProviderFailed = false;
      onProviderBack?.();
    }
    this.#wake();
  }

  #health(): NodeHealth {
    const { result } = this.#ping;
    // kubelet's one reason for every cause; what it is stands in the message.
    const notReady = (message: string, reason = 'KubeletNotReady'): NodeHealth => ({
      kind: 'not-ready',
      reason,
      message,
    });
    if (result.kind === 'failed') return notReady(result.message, result.reason);
    if (result.kind === 'waiting') return notReady('the provider has not answered yet');
    if (!this.#isStarted) return notReady('virtual-kubelet is starting: it does not know its pods yet');
    if (this.#offer === undefined) return notReady('the provider has not described the node yet');
    return { kind: 'ready' };
  }
}
