import { spawn } from 'node:child_process';
import { CodedError } from '../support/errors.ts';
import type { Endpoint, ExecPlugin } from './kubeconfig.ts';

/** What a credential plugin gave. */
export interface ExecCredential {
  readonly token: string | undefined;
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined;
  /** Milliseconds since the epoch; undefined where it did not say. */
  readonly expiresAtMs: number | undefined;
}

const maxAnswerBytes = 1024 * 1024;

/**
 * Runs the plugin and reads its ExecCredential, as client-go's plugin/pkg/client/auth/exec does: the cluster's data in
 * KUBERNETES_EXEC_INFO, the answer on standard output. `Unauthorized` where it fails, with what it wrote to standard
 * error; killed when the signal aborts.
 */
export async function runExecPlugin(
  plugin: ExecPlugin,
  endpoint: Endpoint,
  options: { readonly signal: AbortSignal },
): Promise<ExecCredential> {
  const { apiVersion } = plugin;
  const cluster = plugin.provideClusterInfo ? { cluster: clusterInfo(endpoint) } : {};
  const info = { kind: 'ExecCredential', apiVersion, spec: { interactive: false, ...cluster } };
  const answer = await run(plugin, JSON.stringify(info), options.signal);
  let credential: { apiVersion?: string; status?: Readonly<Record<string, string | undefined>> };
  try {
    credential = JSON.parse(answer);
  } catch (cause) {
    throw new CodedError('Unauthorized', `the credential plugin ${plugin.command} wrote no JSON`, { cause });
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = credential.status ?? {};
  if (credential.apiVersion !== apiVersion) {
    const found = credential.apiVersion ?? 'none';
    throw new CodedError('Unauthorized', `the credential plugin ${plugin.command} speaks ${found}, not ${apiVersion}`);
  }
  const hasCertificate = clientCertificateData !== undefined && clientKeyData !== undefined;
  if (!token && !hasCertificate) {
    throw new CodedError('Unauthorized', `the credential plugin ${plugin.command} gave neither token nor certificate`);
  }
  const expiresAtMs = expirationTimestamp === undefined ? Number.NaN : Date.parse(expirationTimestamp);
  return {
    token: token || undefined,
    clientCertificate: hasCertificate ? { cert: clientCertificateData, key: clientKeyData } : undefined,
    expiresAtMs: Number.isNaN(expiresAtMs) ? undefined : expiresAtMs,
  };
}

function clusterInfo(endpoint: Endpoint): object {
  return {
    server: endpoint.server,
    'tls-server-name': endpoint.tlsServerName,
    'insecure-skip-tls-verify': endpoint.skipTlsVerify,
    'certificate-authority-data': endpoint.ca && Buffer.from(endpoint.ca).toString('base64'),
    'proxy-url': endpoint.proxyUrl,
  };
}

function run(plugin: ExecPlugin, execInfo: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, plugin.args, {
      env: { ...plugin.environment, KUBERNETES_EXEC_INFO: execInfo },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.length > maxAnswerBytes) child.kill('SIGKILL');
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-2000);
    });
    child.on('error', (cause) => {
      if (signal.aborted) reject(signal.reason as Error);
      else reject(failure(plugin, `cannot be run${plugin.installHint ? `; ${plugin.installHint}` : ''}`, cause));
    });
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve(stdout);
      else reject(failure(plugin, `ended with ${code ?? killedBy}: ${stderr.trim() || 'it gave no reason'}`));
    });
  });
}

function failure(plugin: ExecPlugin, what: string, cause?: unknown): CodedError {
  return new CodedError('Unauthorized', `the credential plugin ${plugin.command} ${what}`, { cause });
}
