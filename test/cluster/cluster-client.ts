import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CertificateAuthority } from './certificates.ts';
import { apiServerUrl, clientKubeconfig, clusterDomain, credentialFiles } from './credentials.ts';
import { renderKubeconfig } from './kubeconfig.ts';
import { addresses, enterNamespace, networkNamespace } from './network-namespace.ts';
import { clusterDir } from './paths.ts';
import { podmanPaths } from './podman.ts';
import { registryAddress } from './registry.ts';
import { type CommandResult, runCommand, tryCommand } from './run-command.ts';

export interface ClientOptions {
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
}

/** What any process on the machine can do with a running cluster: everything here is found in the cluster's files. */
export class ClusterClient {
  readonly name: string;
  readonly runDir: string;
  readonly networkNamespacePath: string;
  /** The InternalIP for virtual nodes: the address of an interface inside the namespace, shared by all of them. */
  readonly nodeIp = addresses.nodeIp;
  readonly apiServerUrl = apiServerUrl;
  readonly clusterDomain = clusterDomain;
  readonly clusterDnsIp = addresses.clusterDnsIp;
  /** The image registry's host and port, as seen inside the namespace; it has docker.io's images under `docker.io/`. */
  readonly registryAddress = registryAddress;
  readonly certificateAuthorityFile: string;
  /** A kubeconfig of a member of system:masters. */
  readonly adminKubeconfig: string;
  readonly podmanSocket: string;
  readonly #kubectlPath: string;

  constructor(name: string, kubectlPath: string) {
    this.name = name;
    this.runDir = clusterDir(name);
    this.networkNamespacePath = networkNamespace(name).path;
    const files = credentialFiles(this.runDir);
    this.certificateAuthorityFile = files.certificateAuthority;
    this.adminKubeconfig = files.adminKubeconfig;
    this.podmanSocket = podmanPaths(this.runDir).socket;
    this.#kubectlPath = kubectlPath;
  }

  /** The words that run a command inside the cluster's network, where its addresses can be reached. */
  inside(command: readonly string[]): string[] {
    return enterNamespace({ name: this.name, path: this.networkNamespacePath }, command);
  }

  /** What a command inside needs in its environment to find the cluster: kubectl on PATH, KUBECONFIG, Podman's files. */
  environment(): Record<string, string> {
    return {
      PATH: `${dirname(this.#kubectlPath)}:${process.env['PATH'] ?? ''}`,
      KUBECONFIG: this.adminKubeconfig,
      ...podmanPaths(this.runDir).environment,
    };
  }

  /** Runs kubectl as the administrator. An exit code other than 0 is handed back, not thrown. */
  kubectl(args: readonly string[], options: ClientOptions = {}): Promise<CommandResult> {
    return tryCommand(this.inside([this.#kubectlPath, ...args]), {
      ...options,
      env: { ...process.env, ...this.environment() },
    });
  }

  /** Creates or updates objects as the administrator. */
  async apply(objects: readonly object[], { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const { code, stderr } = await this.kubectl(['apply', '--filename', '-'], { input, signal });
    if (code !== 0) throw new Error(`kubectl apply ended with exit code ${code}: ${stderr}`);
  }

  /** Runs podman on the cluster's containers and images, and hands back its output. */
  podman(args: readonly string[], { signal }: { signal?: AbortSignal | undefined } = {}): Promise<string> {
    return runCommand(this.inside(['podman', ...args]), { env: { ...process.env, ...this.environment() }, signal });
  }

  /** Writes a kubeconfig with a client certificate for this user in these groups, and gives its path. */
  async kubeconfigFor(identity: {
    readonly user: string;
    readonly groups: readonly string[];
    readonly expiresInMs?: number;
  }): Promise<string> {
    const files = credentialFiles(this.runDir);
    const authority = await CertificateAuthority.load({
      certificate: readFileSync(files.certificateAuthority, 'utf8'),
      key: readFileSync(files.certificateAuthorityKey, 'utf8'),
    });
    return this.#writeKubeconfig(identity.user, await clientKubeconfig(authority, identity));
  }

  /** Writes a kubeconfig with a token of an existing service account, and gives its path. */
  async kubeconfigForServiceAccount(
    namespace: string,
    name: string,
    { durationSeconds = 86_400 }: { readonly durationSeconds?: number } = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl([
      'create',
      'token',
      name,
      `--namespace=${namespace}`,
      `--duration=${durationSeconds}s`,
    ]);
    if (code !== 0) throw new Error(`No token for the service account ${namespace}/${name}: ${stderr}`);
    const text = renderKubeconfig({
      server: apiServerUrl,
      certificateAuthority: readFileSync(this.certificateAuthorityFile, 'utf8'),
      credential: { token: stdout.trim() },
    });
    return this.#writeKubeconfig(`${namespace}-${name}`, text);
  }

  #writeKubeconfig(who: string, text: string): string {
    const path = join(
      this.runDir,
      'kubeconfigs',
      `${who.replaceAll(/[^a-z0-9.-]/gi, '-')}-${randomUUID().slice(0, 8)}`,
    );
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}
