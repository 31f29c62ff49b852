import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PodmanService } from '../../src/runtime/libpod/testing/podman-service.ts';
import { type AwsTools, awsEnvironment, ensureAwsTools } from './aws-cli.ts';

/** The namespace is its own: no port is taken there. */
const endpoint = 'http://127.0.0.1:4566';

/** Local Fargate as a process of its own on a Podman of its own, and the AWS CLI beside it. */
export class RealFargate implements AsyncDisposable {
  readonly podman: PodmanService;
  readonly #tools: AwsTools;
  readonly #dir = mkdtempSync(join(tmpdir(), 'local-fargate-'));
  #running: Promise<unknown> | undefined;

  private constructor(podman: PodmanService, tools: AwsTools) {
    this.podman = podman;
    this.#tools = tools;
  }

  static async start(): Promise<RealFargate> {
    const tools = await ensureAwsTools();
    const fargate = new RealFargate(await PodmanService.start(), tools);
    await fargate.podman.startRegistry();
    await fargate.startAgain();
    return fargate;
  }

  async startAgain(): Promise<void> {
    const flags = ['--state-dir', join(this.#dir, 'state'), '--podman-socket', this.podman.socketPath];
    const script = join(import.meta.dirname, 'serve.ts');
    const serving = this.podman.run([
      process.execPath,
      script,
      this.#pidFile,
      ...flags,
      '--throttling',
      '0',
      '--event-queue',
      'events',
      '--log-level',
      'warn',
    ]);
    // Killed on purpose, or by our end.
    this.#running = serving.catch((error: unknown) => error);
    await this.until('the server answers', async () => {
      const early = await Promise.race([this.#running, delay(1, 'running')]);
      if (early !== 'running') throw early;
      return this.curl(`${endpoint}/_local-fargate/switches`).then(
        () => true,
        () => undefined,
      );
    });
  }

  /** kill -9 */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.kill(Number(readFileSync(this.#pidFile, 'utf8')), signal);
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running !== undefined) await this.kill('SIGTERM').catch(() => {});
    await this.podman[Symbol.asyncDispose]();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Runs the AWS CLI and gives what it printed, read as JSON. */
  async aws<T = Record<string, unknown>>(...args: readonly string[]): Promise<T> {
    const printed = await this.podman.run(this.#awsCommand([...args, '--output', 'json']));
    return (printed.trim() === '' ? {} : JSON.parse(printed)) as T;
  }

  /** Runs a command in a task's container by the AWS CLI and the session-manager-plugin, to be talked to. */
  execute(plugin: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
    const path = `PATH=${dirname(plugin)}:${process.env['PATH']}`;
    return this.podman.spawn(this.#awsCommand(['ecs', 'execute-command', '--interactive', ...args], path));
  }

  /** A plain HTTP request from beside the containers; rejects where nobody answers. */
  async curl(url: string): Promise<string> {
    const program = `fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(1000) })
      .then((response) => response.text()).then((text) => process.stdout.write(text))`;
    return this.podman.run([process.execPath, '-e', program]);
  }

  /** Looks again and again; a deadline of thirty seconds. */
  async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const untilMs = Date.now() + 30_000; ; await delay(50)) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > untilMs) throw new Error(`waited in vain until ${what}`);
    }
  }

  #awsCommand(args: readonly string[], ...more: readonly string[]): string[] {
    const variables = Object.entries(awsEnvironment(endpoint))
      .filter(([name]) => name.startsWith('AWS_'))
      .map(([name, value]) => `${name}=${value}`);
    return ['env', ...variables, ...more, this.#tools.aws, ...args];
  }

  get #pidFile(): string {
    return join(this.#dir, 'pid');
  }
}
