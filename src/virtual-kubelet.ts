import { join } from 'node:path';
import { KubernetesApiClient } from './apiserver/api-client.ts';
import { pods, services } from './apiserver/client.ts';
import { Credentials } from './apiserver/credentials.ts';
import { EventRecorder, involvedNode, involvedPod } from './apiserver/event-recorder.ts';
import { findCluster } from './apiserver/find-cluster.ts';
import { Informer } from './apiserver/informer.ts';
import type { ReflectorState } from './apiserver/reflector.ts';
import type { NodeConfiguration } from './kubelet-api/configz.ts';
import { RequestedServingCertificate } from './kubelet-api/requested-certificate.ts';
import { KubeletApiServer } from './kubelet-api/server.ts';
import {
  type ClientCa,
  clientCaFromFile,
  type ServingCertificate,
  selfSignedServingCertificate,
  servingCertificateFromFiles,
} from './kubelet-api/serving-certificate.ts';
import { parseTlsParameters } from './kubelet-api/tls-parameters.ts';
import { initNode as createOrLabelNode } from './node/init-node.ts';
import { addressTowards } from './node/node-address.ts';
import { NodeController } from './node/node-controller.ts';
import { kubeletVersion } from './node/node-status.ts';
import type { Options } from './options.ts';
import { PodController } from './pods/pod-controller.ts';
import { ClusterReferences } from './pods/references.ts';
import type { RecordPodEvent } from './podspec/pod-events.ts';
import { instrumentProvider } from './provider/instrumented-provider.ts';
import { loadProvider } from './provider/registry.ts';
import { type Clock, systemClock, toRfc3339 } from './support/clock.ts';
import { CodedError, messageOf } from './support/errors.ts';
import type { Logger } from './support/logger.ts';
import { makeOwnFolder } from './support/own-folder.ts';
import { Metrics, serveMetrics } from './telemetry/metrics.ts';

export interface Surroundings {
  /** Ends it all, gently; pods stay as they are. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Our own version, as `0.1.0`. */
  readonly version: string;
  /** HOME and the variables by which a pod finds the API server; exec plugins and providers read more. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** How long events may take to be written after the signal. */
const flushTimeoutMs = 5000;
const staleAfterMs = 120_000;

/**
 * Runs the node until the signal aborts. Rejects with `InvalidInput` where an option or a file is wrong, and with what
 * went wrong where it cannot start; once started, it goes on through every failure that may pass.
 */
export async function runVirtualKubelet(options: Options, surroundings: Surroundings): Promise<void> {
  const metrics = new Metrics();
  const connection = connect(options, surroundings, metrics);
  try {
    await run(options, surroundings, { ...connection, metrics });
  } finally {
    // What the end needs (statuses, events, the lease) was written after the signal, so connections outlive it.
    await connection.client.close();
  }
}

interface Connection {
  readonly client: KubernetesApiClient;
  readonly credentials: Credentials;
}

async function run(
  options: Options,
  surroundings: Surroundings,
  { client, credentials, metrics }: Connection & { readonly metrics: Metrics },
): Promise<void> {
  const { signal, log, version } = surroundings;
  const { nodeName, operatingSystem } = options;
  const clock = systemClock;
  const random = Math.random;
  const { createProvider } = await loadProvider(options.provider);
  const { endpoint } = await credentials.current({ signal });
  const cluster = await findCluster(client, { timeoutMs: options.startupTimeoutMs, clock, log, signal });
  const nodeIp = options.nodeIp ?? (await addressTowards(endpoint.server));
  const dependencies = { client, clock, random, log };
  const events = new EventRecorder({ ...dependencies, component: 'kubelet', host: nodeName });
  const serviceInformer = new Informer(services, {}, dependencies);
  const podInformer = new Informer(pods, { fieldSelector: `spec.nodeName=${nodeName}` }, dependencies);
  const recordEvent: RecordPodEvent = ({ pod, fieldPath, ...event }) =>
    events.record({ object: involvedPod(pod, fieldPath), ...event });
  const provider = instrumentProvider(
    await createProvider({
      nodeName,
      clusterId: cluster.id,
      configFile: options.providerConfig,
      nodeIp,
      operatingSystem,
      clusterDomain: options.clusterDomain,
      clusterDnsIp: options.clusterDnsIp ?? cluster.dnsIp,
      rootDir: options.rootDir,
      references: new ClusterReferences({ client, services: serviceInformer.store, clock }),
      recordEvent,
      environment: surroundings.environment,
      clock,
      log,
    }),
    { clock, observer: metrics },
  );
  const podController = new PodController({
    ...dependencies,
    nodeName,
    node: { current: () => nodeController.node, read: (of) => nodeController.readNode(of) },
    hostIps: [nodeIp],
    pods: podInformer,
    provider,
    recordEvent,
    workers: options.podSyncWorkers,
    resyncPeriodMs: options.fullResyncPeriodMs,
  });
  if (options.tls.requestCertificate) await makeOwnFolder(options.rootDir, '--root-dir');
  const requested = options.tls.requestCertificate
    ? new RequestedServingCertificate({
        api: client,
        nodeName,
        ips: [nodeIp],
        file: join(options.rootDir, 'pki', 'serving.pem'),
        clock,
        random,
        log,
      })
    : undefined;
  const kubeletApi = new KubeletApiServer({
    serving: requested?.serving ?? servingCertificate(options, { nodeIp, clock, log }),
    clientCa: clientCa(options, endpoint.ca),
    tlsParameters: parseTlsParameters(options.tls.minVersion, options.tls.cipherSuites),
    nodeName,
    api: client,
    pods: podController,
    provider,
    syncLoop: () => whyStale(podInformer.state, clock.now()),
    metrics: () => metrics.registry.metrics(),
    configuration: nodeConfiguration(options, cluster.dnsIp),
    timeouts: { idleMs: options.streamIdleTimeoutMs, creationMs: options.streamCreationTimeoutMs, clock },
    clock,
    log,
  });
  metrics.runningPodsFrom(() => podController.runningPods);
  const { port } = await kubeletApi.listen({ host: '', port: options.kubeletPort });
  const nodeController = new NodeController({
    ...dependencies,
    identity: {
      nodeName,
      nodeIp,
      operatingSystem,
      kubeletPort: port,
      taint: options.taint,
      kubeletVersion: kubeletVersion(version),
    },
    provider,
    onProviderBack: () => podController.retryFailed(),
    recordEvent: (event) => events.record({ object: involvedNode(nodeName), ...event }),
  });

  // Ends last, however it ends: what serves us and what tells of us.
  const ended = new AbortController();
  const serving = [kubeletApi.run(ended.signal), events.run(ended.signal)];
  if (requested) serving.push(requested.run(ended.signal));
  try {
    await nodeController.claim({ signal });
    if (options.metricsAddress) {
      serving.push((await serveMetrics(metrics, options.metricsAddress, ended.signal)).closed);
    }
    await nodeController.register({ signal });
    log.info(`Node ${nodeName} at ${nodeIp}:${port}, pods on ${provider.name}`, { server: endpoint.server });
    // The lease is let go when the last status has been written.
    const podsEnded = new AbortController();
    const runPods = async (): Promise<void> => {
      // Not before: a pod's environment holds the variables of the services.
      await serviceInformer.synced.catch(() => {});
      if (!signal.aborted) await podController.run({ signal, onReady: () => nodeController.markReady() });
      podsEnded.abort(signal.reason);
    };
    await Promise.all([
      serviceInformer.run(signal),
      podInformer.run(signal),
      nodeController.run({ signal: podsEnded.signal }),
      runPods(),
    ]);
    await events.flush(AbortSignal.timeout(flushTimeoutMs));
  } finally {
    ended.abort(signal.reason);
    await Promise.all(serving);
  }
}

/** The init step: gives the node the labels and the taint that its own identity may not, and leaves. */
export async function initNode(options: Options, surroundings: Surroundings): Promise<void> {
  const { signal, log } = surroundings;
  const { client } = connect(options, surroundings, new Metrics());
  try {
    const outcome = await createOrLabelNode({ client, identity: options, signal });
    log.info(`Node ${options.nodeName}: ${outcome}`);
  } finally {
    await client.close();
  }
}

function connect(options: Options, { log, version, environment }: Surroundings, metrics: Metrics): Connection {
  const shared = { clock: systemClock, random: Math.random };
  const credentials = new Credentials({ path: options.kubeconfig, environment }, { ...shared, log });
  const client = new KubernetesApiClient({
    ...shared,
    credentials,
    userAgent: `virtual-kubelet/${version} (${process.platform}/${process.arch})`,
    observe: (call) => metrics.apiCallEnded(call),
  });
  return { client, credentials };
}

/** What is wrong where pods have not been heard of for longer than an API server takes to be started again. */
function whyStale(state: ReflectorState, nowMs: number): string | undefined {
  if (state.kind !== 'failing' || nowMs - state.sinceMs < staleAfterMs) return undefined;
  return `the API server's pods cannot be watched since ${toRfc3339(state.sinceMs)}: ${messageOf(state.error)}`;
}

function servingCertificate(
  { tls, nodeName }: Options,
  { nodeIp, clock, log }: { readonly nodeIp: string; readonly clock: Clock; readonly log: Logger },
): ServingCertificate {
  const { certificateFile, keyFile } = tls;
  if (certificateFile !== undefined && keyFile !== undefined) {
    return servingCertificateFromFiles({ certificateFile, keyFile });
  }
  log.warn(
    'The kubelet API serves a self-signed certificate; give one with --tls-cert-file and --tls-private-key-file',
  );
  return selfSignedServingCertificate({ names: [nodeName], ips: [nodeIp], clock });
}

/** As it is shown to operators who ask for it. */
function nodeConfiguration(options: Options, clusterDnsIp: string | undefined): NodeConfiguration {
  const { tls } = options;
  const dnsIp = options.clusterDnsIp ?? clusterDnsIp;
  return {
    port: options.kubeletPort,
    clusterDomain: options.clusterDomain,
    clusterDns: dnsIp === undefined ? [] : [dnsIp],
    tlsMinVersion: tls.minVersion,
    tlsCipherSuites: tls.cipherSuites.split(',').filter((name) => name !== ''),
    rotateServerCertificates: tls.requestCertificate,
    streamIdleTimeoutMs: options.streamIdleTimeoutMs,
  };
}

function clientCa({ tls }: Options, clusterCa: string | undefined): ClientCa {
  if (tls.clientCaFile !== undefined) return clientCaFromFile(tls.clientCaFile);
  if (clusterCa === undefined) {
    throw new CodedError(
      'InvalidInput',
      'the kubeconfig names no certificate authority: say with --client-ca-file who signs the API server’s own certificate',
    );
  }
  return async () => clusterCa;
}
