import { keepAnswerMs } from './authentication.ts';
import { keepAllowedMs, keepDeniedMs } from './authorization.ts';
import type { Handler } from './call.ts';

/** What this node was told that a kubelet is told by its configuration file. */
export interface NodeConfiguration {
  readonly port: number;
  readonly clusterDomain: string;
  readonly clusterDns: readonly string[];
  readonly tlsMinVersion: string;
  /** By IANA name; empty for the default. */
  readonly tlsCipherSuites: readonly string[];
  readonly rotateServerCertificates: boolean;
  readonly streamIdleTimeoutMs: number;
}

/**
 * `/configz`: the configuration in use, in the words of kubelet's (kubelet.config.k8s.io/v1beta1). Only what means
 * something here: a setting that is left out has no counterpart.
 */
export function configz(configuration: NodeConfiguration): Handler {
  const text = JSON.stringify({ kubeletconfig: kubeletConfiguration(configuration) });
  return async ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text);
  };
}

function kubeletConfiguration(configuration: NodeConfiguration): object {
  return {
    enableServer: true,
    port: configuration.port,
    readOnlyPort: 0,
    serverTLSBootstrap: configuration.rotateServerCertificates,
    tlsMinVersion: configuration.tlsMinVersion,
    ...(configuration.tlsCipherSuites.length > 0 ? { tlsCipherSuites: configuration.tlsCipherSuites } : {}),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: goDuration(keepAnswerMs) },
    },
    authorization: {
      mode: 'Webhook',
      webhook: { cacheAuthorizedTTL: goDuration(keepAllowedMs), cacheUnauthorizedTTL: goDuration(keepDeniedMs) },
    },
    clusterDomain: configuration.clusterDomain,
    clusterDNS: configuration.clusterDns,
    streamingConnectionIdleTimeout: goDuration(configuration.streamIdleTimeoutMs),
    enableDebuggingHandlers: true,
    enableSystemLogHandler: false,
    enableProfilingHandler: false,
    enableDebugFlagsHandler: false,
  };
}

/** As Go prints a duration of whole seconds: `4h0m0s`, `2m0s`, `30s`. */
function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
