import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'smol-toml';
import { unpackDebianPackages } from '../../../../test/cluster/debian-packages.ts';
import { addBaseFiles, addBusyboxCommands } from '../../../../test/cluster/images/busybox.ts';
import { runCommand, tryCommand } from '../../../../test/cluster/run-command.ts';
import { ensureSystemPackages } from '../../../../test/cluster/system-packages.ts';
import { systemClock } from '../../../support/clock.ts';
import { silentLogger } from '../../../support/logger.ts';
import { LibpodRuntime } from '../libpod-runtime.ts';

/** Why there cannot be a Podman here; false where there can. For `skip`. */
export const noPodman: string | false =
  process.platform === 'linux' && process.geteuid?.() === 0 ? false : 'needs root on Linux, for a Podman of its own';

const prefix = 'vk-libpod-';

/** Where a registry in the namespace of a service is looked for; also what docker.io stands for. */
export const registryAddress = '127.0.0.1:5000';

/**
 * A Podman service that shares nothing with the machine's: storage, network namespace and socket are its own, and go
 * with it. It has one image, busybox.
 */
export class PodmanService implements AsyncDisposable {
  readonly #dir: string;
  readonly #namespace: string;
  readonly #runtimes: LibpodRuntime[] = [];
  #process: ChildProcess | undefined;
  #registry: ChildProcess | undefined;

  private constructor(name: string) {
    this.#dir = join(tmpdir(), name);
    this.#namespace = name;
  }

  /** Also removes what tests that were killed have left behind. */
  static async start(): Promise<PodmanService> {
    await ensureSystemPackages({ progress: () => {} });
    await removeLeftovers();
    const service = new PodmanService(`${prefix}${process.pid}`);
    try {
      await service.#prepare();
      await service.startAgain();
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  get socketPath(): string {
    return join(this.#dir, 'podman.sock');
  }

  /** A runtime on it, closed with it. */
  runtime(): LibpodRuntime {
    const runtime = new LibpodRuntime({ socketPath: this.socketPath, clock: systemClock, log: silentLogger });
    this.#runtimes.push(runtime);
    return runtime;
  }

  /** Runs a command in its network namespace, and for Podman with its configuration. */
  run(command: readonly string[], input?: string): Promise<string> {
    return runCommand(this.#inside(command), {
      env: { ...process.env, ...this.#environment },
      ...(input === undefined ? {} : { input }),
    });
  }

  /** As `run`, for a command that is talked to. */
  spawn(command: readonly string[]): ChildProcessWithoutNullStreams {
    const [file = '', ...args] = this.#inside(command);
    return spawn(file, args, { env: { ...process.env, ...this.#environment } });
  }

  /** Starts a registry that has busybox under every name; see image-registry.ts. */
  async startRegistry(): Promise<void> {
    const layout = join(this.#dir, 'layout');
    await this.run(['podman', 'save', '--quiet', '--format', 'oci-dir', '--output', layout, 'busybox']);
    const script = join(import.meta.dirname, 'image-registry.ts');
    const [file = '', ...args] = this.#inside([process.execPath, script, layout, registryAddress.split(':')[1] ?? '']);
    this.#registry = spawn(file, args, { stdio: 'inherit' });
    await waitFor('the registry answers', async () => {
      const { code } = await tryCommand(
        this.#inside(['bash', '-c', `: </dev/tcp/${registryAddress.replace(':', '/')}`]),
      );
      return code === 0;
    });
  }

  /** Ends the service; containers go on. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async startAgain(): Promise<void> {
    const [file = '', ...args] = this.#inside(['podman', 'system', 'service', '--time=0', `unix://${this.socketPath}`]);
    // conmon leaves a file named oom where it was started from, when a container runs out of memory.
    const child = spawn(file, args, {
      cwd: this.#dir,
      stdio: 'ignore',
      env: { ...process.env, ...this.#environment },
    });
    this.#process = child;
    const runtime = new LibpodRuntime({ socketPath: this.socketPath, clock: systemClock, log: silentLogger });
    const signal = AbortSignal.timeout(10_000);
    try {
      await waitFor('Podman answers', () =>
        runtime.version({ signal }).then(
          () => true,
          () => child.exitCode !== null,
        ),
      );
    } finally {
      await runtime.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.close();
    this.#registry?.kill();
    await this.end('SIGTERM');
    await removeEverything(this.#namespace);
  }

  get #environment(): Readonly<Record<string, string>> {
    return environmentOf(this.#dir);
  }

  #inside(command: readonly string[]): string[] {
    return inside(this.#namespace, command);
  }

  async #prepare(): Promise<void> {
    mkdirSync(this.#dir, { recursive: true });
    await runCommand(['ip', 'netns', 'add', this.#namespace]);
    await runCommand(['ip', '-n', this.#namespace, 'link', 'set', 'lo', 'up']);
    for (const [name, content] of Object.entries(configurationFiles(this.#dir))) {
      writeFileSync(join(this.#dir, name), stringify(content));
    }
    await this.#importBusybox();
  }

  async #importBusybox(): Promise<void> {
    const root = join(this.#dir, 'busybox');
    const installed = '/bin/busybox';
    // A dynamic one would want the machine's libraries.
    if (existsSync(installed) && !readFileSync(installed).includes('ld-linux')) {
      mkdirSync(join(root, 'bin'), { recursive: true });
      copyFileSync(installed, join(root, 'bin/busybox'));
    } else {
      await unpackDebianPackages(['busybox-static'], root);
    }
    await addBusyboxCommands(root);
    addBaseFiles(root);
    const archive = join(this.#dir, 'busybox.tar');
    await runCommand(['tar', '-C', root, '-cf', archive, '.']);
    await this.run([
      'podman',
      'import',
      '--quiet',
      '--change',
      'CMD ["sh"]',
      archive,
      'docker.io/library/busybox:latest',
    ]);
    rmSync(root, { recursive: true });
    rmSync(archive);
  }
}

/** Looks again and again until it is so; a deadline of ten seconds. */
export async function waitFor(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const untilMs = Date.now() + 10_000; !(await isSo()); await delay(20)) {
    if (Date.now() > untilMs) throw new Error(`waited in vain until ${what}`);
  }
}

function inside(namespace: string, command: readonly string[]): string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--', ...command];
}

function environmentOf(dir: string): Readonly<Record<string, string>> {
  return {
    CONTAINERS_CONF: join(dir, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(dir, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(dir, 'registries.conf'),
  };
}

function configurationFiles(dir: string) {
  return {
    'containers.conf': {
      containers: { default_ulimits: ['nofile=1024:1024', 'nproc=1000:1000'] },
      engine: {
        runtime: 'runc',
        cgroup_manager: 'cgroupfs',
        events_logger: 'file',
        exit_command_delay: 2,
        lock_type: 'file',
        tmp_dir: join(dir, 'tmp'),
        volume_path: join(dir, 'volumes'),
      },
      network: {
        network_backend: 'netavark',
        network_config_dir: join(dir, 'networks'),
        default_subnet: '10.89.0.0/16',
      },
    },
    // Podman looks for its database under graphroot when it cleans up after a container, wherever static_dir points.
    'storage.conf': { storage: { driver: 'overlay', graphroot: join(dir, 'storage'), runroot: join(dir, 'run') } },
    'registries.conf': {
      'short-name-mode': 'disabled',
      registry: [
        { location: registryAddress, insecure: true },
        { prefix: 'docker.io', location: `${registryAddress}/docker.io`, insecure: true },
      ],
    },
  };
}

async function removeLeftovers(): Promise<void> {
  const names = new Set([
    ...readdirSync(tmpdir()).filter((name) => name.startsWith(prefix)),
    ...globSync(`/run/netns/${prefix}*`).map((path) => basename(path)),
  ]);
  for (const name of names) if (!existsSync(`/proc/${name.slice(prefix.length)}`)) await removeEverything(name);
}

async function removeEverything(name: string): Promise<void> {
  const dir = join(tmpdir(), name);
  const env = { ...process.env, ...environmentOf(dir) };
  if (existsSync(`/run/netns/${name}`)) {
    for (const what of [['pod', 'rm'], ['rm']]) {
      await tryCommand(inside(name, ['podman', ...what, '--force', '--all', '--time', '0']), { env });
    }
    await tryCommand(['ip', 'netns', 'delete', name]);
  }
  for (const pid of watchersOf(dir)) process.kill(pid, 'SIGKILL');
  for (const path of mountsUnder(dir)) await tryCommand(['umount', path]);
  rmSync(dir, { recursive: true, force: true });
}

/** Processes of Podman that watch containers or execs, and would write into the folder. */
function watchersOf(dir: string): readonly number[] {
  return globSync('/proc/[0-9]*/cmdline')
    .filter((path) => {
      try {
        const command = readFileSync(path, 'utf8');
        return command.startsWith('/usr/bin/conmon') && command.includes(`${dir}/`);
      } catch {
        return false;
      }
    })
    .map((path) => Number(path.split('/')[2]));
}

/** Deepest first. */
function mountsUnder(dir: string): readonly string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return mounts.filter((path) => path.startsWith(`${dir}/`)).sort((a, b) => b.length - a.length);
}
