import type { PodRef } from '../kubernetes/objects.ts';
import { podRef } from '../kubernetes/objects.ts';
import type { Provider } from './provider.ts';

export type ProviderOperation = Exclude<keyof Provider, 'name' | 'capabilities' | 'refusals' | 'probeCounts'>;

export interface ProviderCall {
  readonly operation: ProviderOperation;
  /** The pod it is about, where it is about one. */
  readonly pod?: PodRef;
}

/** Runs `proceed` once, or not, and answers in its place. */
export type AroundCall = <T>(call: ProviderCall, proceed: () => Promise<T>) => Promise<T>;

/** Every operation named, the optional ones too: the compiler finds what a new one forgets here. */
type EveryOperation = { readonly [Key in keyof Required<Provider>]: Provider[Key] };

/** A provider whose every operation goes through `around`: measuring, tracing and faults are not lines inside a provider. */
export function aroundProvider(provider: Provider, around: AroundCall): Provider {
  const { refusals, logs, exec, attach, portForward, usage, probeCounts } = provider;
  const wrapped: EveryOperation = {
    name: provider.name,
    capabilities: provider.capabilities,
    describeNode: (options) => around({ operation: 'describeNode' }, () => provider.describeNode(options)),
    ping: (options) => around({ operation: 'ping' }, () => provider.ping(options)),
    run: (options) => around({ operation: 'run' }, () => provider.run(options)),
    createPod: (pod, options) =>
      around({ operation: 'createPod', pod: podRef(pod) }, () => provider.createPod(pod, options)),
    updatePod: (pod, options) =>
      around({ operation: 'updatePod', pod: podRef(pod) }, () => provider.updatePod(pod, options)),
    deletePod: (pod, options) => around({ operation: 'deletePod', pod }, () => provider.deletePod(pod, options)),
    releasePod: (pod, options) => around({ operation: 'releasePod', pod }, () => provider.releasePod(pod, options)),
    listPods: (options) => around({ operation: 'listPods' }, () => provider.listPods(options)),
    logs:
      logs &&
      ((request, options) =>
        around({ operation: 'logs', pod: request.pod }, () => logs.call(provider, request, options))),
    exec:
      exec &&
      ((request, streams, options) =>
        around({ operation: 'exec', pod: request.pod }, () => exec.call(provider, request, streams, options))),
    attach:
      attach &&
      ((request, streams, options) =>
        around({ operation: 'attach', pod: request.pod }, () => attach.call(provider, request, streams, options))),
    portForward:
      portForward &&
      ((request, options) =>
        around({ operation: 'portForward', pod: request.pod }, () => portForward.call(provider, request, options))),
    usage: usage && ((options) => around({ operation: 'usage' }, () => usage.call(provider, options))),
    // Read memory and cannot fail.
    refusals: refusals && ((pod) => refusals.call(provider, pod)),
    probeCounts: probeCounts && (() => probeCounts.call(provider)),
  };
  return wrapped;
}
