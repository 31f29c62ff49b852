import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { delimiter, dirname, join, resolve } from 'node:path';
import { load as parseYaml, type YAMLException } from 'js-yaml';
import { CodedError, messageOf } from '../support/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface KubeconfigSource {
  /** A file, or several in the manner of $KUBECONFIG; undefined for `~/.kube/config`. */
  readonly path: string | undefined;
  /** HOME, KUBERNETES_SERVICE_HOST and _PORT are read from it; exec plugins inherit it. */
  readonly environment: Environment;
  /** Where a pod finds its service account; default `/var/run/secrets/kubernetes.io/serviceaccount`. */
  readonly serviceAccountDir?: string;
}

/** Where the API server is and how its connection is secured. PEM throughout. */
export interface Endpoint {
  /** `https://host:port`, perhaps with a path, without a slash at its end. */
  readonly server: string;
  /** Undefined: the authorities that Node.js trusts. */
  readonly ca: string | undefined;
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined;
  readonly skipTlsVerify: boolean;
  readonly tlsServerName: string | undefined;
  readonly proxyUrl: string | undefined;
}

/** How to get credentials from a program: `users[].user.exec` of a kubeconfig. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly provideClusterInfo: boolean;
  readonly installHint: string | undefined;
}

/** What a kubeconfig says about its current context, with the files it names read. */
export interface Kubeconfig {
  /** The file or files, or `the in-cluster service account`; for messages. */
  readonly origin: string;
  readonly endpoint: Endpoint;
  readonly token: string | undefined;
  readonly exec: ExecPlugin | undefined;
  /** Headers that ask the API server to act as somebody else. */
  readonly impersonation: Readonly<Record<string, string>>;
  /** Whether token, certificates or CA stand in files of their own, which somebody may rotate. */
  readonly namesFiles: boolean;
}

const defaultServiceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Reads the kubeconfig; where its file does not exist, the service account of the pod we run in, as the Go virtual
 * kubelet does. Every mistake in it is an `InvalidInput` that names the file and the field.
 */
export async function loadKubeconfig(source: KubeconfigSource): Promise<Kubeconfig> {
  const path = source.path ?? join(source.environment['HOME'] ?? '/', '.kube', 'config');
  const documents: KubeconfigFile[] = [];
  for (const file of path.split(delimiter).filter((name) => name !== '')) {
    const text = await readIfPresent(file);
    if (text !== undefined) documents.push({ file, content: parse(file, text) });
  }
  return documents.length > 0 ? readContext(path, documents, source) : readServiceAccount(path, source);
}

interface KubeconfigFile {
  readonly file: string;
  readonly content: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(file: string, text: string): Fields {
  let content: unknown;
  try {
    content = parseYaml(text);
  } catch (error) {
    // the parser's own message quotes the file, and with it perhaps a token
    const { reason, mark } = error as YAMLException;
    const line = mark === undefined ? '' : ` in line ${mark.line + 1}`;
    throw new CodedError('InvalidInput', `kubeconfig ${file} is not valid YAML: ${reason}${line}`);
  }
  if (!isFields(content)) throw new CodedError('InvalidInput', `kubeconfig ${file} holds no settings`);
  return content;
}

/** One entry of clusters, contexts or users, with the file it stands in, to which its paths are relative. */
interface Entry {
  readonly where: string;
  readonly directory: string;
  readonly fields: Fields;
}

async function readContext(
  path: string,
  documents: readonly KubeconfigFile[],
  source: KubeconfigSource,
): Promise<Kubeconfig> {
  const current = documents.map(({ content }) => content['current-context']).find((name) => Boolean(name));
  if (typeof current !== 'string') {
    throw new CodedError(
      'InvalidInput',
      `kubeconfig ${path} has no current-context; choose one with kubectl config use-context`,
    );
  }
  const context = findEntry(documents, 'context', current);
  const cluster = findEntry(documents, 'cluster', text(context, 'cluster') ?? '');
  const userName = text(context, 'user');
  const user = userName === undefined ? undefined : findEntry(documents, 'user', userName);
  for (const field of ['auth-provider', 'username']) {
    if (user?.fields[field] !== undefined) {
      throw new CodedError('InvalidInput', `${user.where}.${field} is not supported; use a token, certificate or exec`);
    }
  }
  return {
    origin: `kubeconfig ${path}`,
    endpoint: await readEndpoint(cluster, user),
    token: user === undefined ? undefined : await readToken(user),
    exec: user === undefined ? undefined : readExec(user, source.environment),
    impersonation: user === undefined ? {} : readImpersonation(user),
    namesFiles:
      cluster.fields['certificate-authority'] !== undefined ||
      ['tokenFile', 'client-certificate', 'client-key'].some((field) => user?.fields[field] !== undefined),
  };
}

function findEntry(documents: readonly KubeconfigFile[], kind: 'context' | 'cluster' | 'user', name: string): Entry {
  const names: string[] = [];
  for (const { file, content } of documents) {
    const list = content[`${kind}s`];
    for (const entry of Array.isArray(list) ? list : []) {
      if (!isFields(entry)) continue;
      if (entry['name'] === name) {
        const fields = entry[kind];
        const where = `kubeconfig ${file}: ${kind} "${name}"`;
        if (!isFields(fields)) throw new CodedError('InvalidInput', `${where} has no field ${kind}`);
        return { where, directory: dirname(resolve(file)), fields };
      }
      names.push(String(entry['name']));
    }
  }
  const files = documents.map(({ file }) => file).join(delimiter);
  const known = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
  throw new CodedError('InvalidInput', `kubeconfig ${files} has no ${kind} named "${name}"; ${known}`);
}

async function readEndpoint(cluster: Entry, user: Entry | undefined): Promise<Endpoint> {
  const server = text(cluster, 'server');
  if (server === undefined || !/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw new CodedError('InvalidInput', `${cluster.where}: server must be a URL such as https://10.0.0.1:6443`);
  }
  const cert = user && (await readPem(user, 'client-certificate'));
  const key = user && (await readPem(user, 'client-key'));
  if ((cert === undefined) !== (key === undefined)) {
    throw new CodedError('InvalidInput', `${user?.where}: client-certificate and client-key belong together`);
  }
  return {
    server: server.replace(/\/+$/, ''),
    ca: await readPem(cluster, 'certificate-authority'),
    clientCertificate: cert === undefined || key === undefined ? undefined : { cert, key },
    skipTlsVerify: cluster.fields['insecure-skip-tls-verify'] === true,
    tlsServerName: text(cluster, 'tls-server-name'),
    proxyUrl: text(cluster, 'proxy-url'),
  };
}

/** `field-data` in base64, else the file that `field` names; the data wins, as in client-go. */
async function readPem(entry: Entry, field: string): Promise<string | undefined> {
  const data = text(entry, `${field}-data`);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const file = text(entry, field);
  return file === undefined ? undefined : readNamed(entry, field, file);
}

/** The file wins over the token beside it, as in client-go. */
async function readToken(user: Entry): Promise<string | undefined> {
  const file = text(user, 'tokenFile');
  if (file === undefined) return text(user, 'token');
  return (await readNamed(user, 'tokenFile', file)).trim();
}

async function readNamed(entry: Entry, field: string, file: string): Promise<string> {
  try {
    return await readFile(resolve(entry.directory, file), 'utf8');
  } catch (cause) {
    throw new CodedError('InvalidInput', `${entry.where}: cannot read ${field}`, { cause });
  }
}

function readExec(user: Entry, environment: Environment): ExecPlugin | undefined {
  const { exec } = user.fields;
  if (exec === undefined) return undefined;
  const where = `${user.where}.exec`;
  if (!isFields(exec)) throw new CodedError('InvalidInput', `${where} must be an object`);
  const entry: Entry = { where, directory: user.directory, fields: exec };
  const command = text(entry, 'command');
  const apiVersion = text(entry, 'apiVersion');
  if (command === undefined) throw new CodedError('InvalidInput', `${where}.command is missing`);
  if (apiVersion === undefined || !/^client\.authentication\.k8s\.io\/v1(beta1)?$/.test(apiVersion)) {
    throw new CodedError('InvalidInput', `${where}.apiVersion must be client.authentication.k8s.io/v1 or /v1beta1`);
  }
  if (exec['interactiveMode'] === 'Always') {
    throw new CodedError('InvalidInput', `${where}.interactiveMode is Always, but nobody is here to answer it`);
  }
  const added = (Array.isArray(exec['env']) ? exec['env'] : []).filter(isFields);
  return {
    apiVersion,
    // client-go: a command with a slash is relative to the kubeconfig's folder, one without is looked for in PATH
    command: /[/\\]/.test(command) ? resolve(user.directory, command) : command,
    args: (Array.isArray(exec['args']) ? exec['args'] : []).map(String),
    environment: {
      ...environment,
      ...Object.fromEntries(added.map(({ name, value }) => [String(name), String(value)])),
    },
    provideClusterInfo: exec['provideClusterInfo'] === true,
    installHint: text(entry, 'installHint'),
  };
}

function readImpersonation(user: Entry): Record<string, string> {
  const as = text(user, 'as');
  for (const field of ['as-uid', 'as-groups', 'as-user-extra']) {
    if (user.fields[field] !== undefined) {
      throw new CodedError('InvalidInput', `${user.where}.${field} is not supported; only "as" is`);
    }
  }
  return as === undefined ? {} : { 'impersonate-user': as };
}

function text(entry: Entry, field: string): string | undefined {
  const value = entry.fields[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new CodedError('InvalidInput', `${entry.where}: ${field} must be a string`);
  return value;
}

async function readServiceAccount(missing: string, source: KubeconfigSource): Promise<Kubeconfig> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = source.environment;
  if (!host || !port) {
    throw new CodedError(
      'InvalidInput',
      `kubeconfig ${missing} does not exist and this is no pod of a cluster; give --kubeconfig or $KUBECONFIG`,
    );
  }
  const directory = source.serviceAccountDir ?? defaultServiceAccountDir;
  const origin = 'the in-cluster service account';
  const entry: Entry = { where: origin, directory, fields: {} };
  return {
    origin,
    endpoint: {
      server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      ca: await readNamed(entry, 'its CA', 'ca.crt'),
      clientCertificate: undefined,
      skipTlsVerify: false,
      tlsServerName: undefined,
      proxyUrl: undefined,
    },
    token: (await readNamed(entry, 'its token', 'token')).trim(),
    exec: undefined,
    impersonation: {},
    namesFiles: true,
  };
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CodedError('InvalidInput', `cannot read kubeconfig ${file}: ${messageOf(cause)}`, { cause });
  }
}
