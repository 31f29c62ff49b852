import type { ClusterClient } from '../test/cluster/cluster-client.ts';
import { tryCommand } from '../test/cluster/run-command.ts';
import { waitFor } from '../test/cluster/wait-for.ts';

interface ShowOptions {
  /** Given to the command, and shown. */
  readonly input?: string;
  /** Runs the command until this is true of its output, which is the one that is shown. */
  readonly until?: (output: string) => boolean;
}

/** Shows commands as a person would type them, with what they answer. */
export class Terminal {
  readonly #cluster: ClusterClient;
  readonly #signal: AbortSignal;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(
    cluster: ClusterClient,
    options: { readonly signal: AbortSignal; readonly environment: NodeJS.ProcessEnv },
  ) {
    this.#cluster = cluster;
    this.#signal = options.signal;
    this.#environment = options.environment;
  }

  say(text: string): void {
    process.stdout.write(`\n▸ ${text}\n`);
  }

  /** Shows a command line that was run in another way. */
  type(line: string): void {
    process.stdout.write(`\n$ ${line}\n`);
  }

  /** Runs a command line inside the cluster and shows it with its output. Throws where it fails. */
  async show(line: string, { input, until }: ShowOptions = {}): Promise<void> {
    this.type(line);
    if (input !== undefined) process.stdout.write(indent(input));
    // What kubectl has to say to a person ("No resources found") goes to standard error.
    const both = `{ ${line}; } 2>&1`;
    const output = until
      ? await this.until(both, `"${line}" to say so`, until)
      : await this.read(both, input === undefined ? {} : { input });
    process.stdout.write(indent(output));
  }

  /** Runs a command line inside the cluster without showing it. */
  async read(line: string, options: { readonly input?: string } = {}): Promise<string> {
    const { PATH, ...clusterEnvironment } = this.#cluster.environment();
    const { code, stdout, stderr } = await tryCommand(this.#cluster.inside(['bash', '-c', line]), {
      ...options,
      env: { ...this.#environment, ...clusterEnvironment, PATH: `${PATH?.split(':')[0]}:${this.#environment['PATH']}` },
      signal: this.#signal,
    });
    if (code !== 0) throw new Error(`"${line}" ended with code ${code}: ${stderr || stdout}`);
    return stdout;
  }

  /** Waits until `holds` is true of the output of `line`, which it gives. */
  async until(line: string, what: string, holds: (output: string) => boolean): Promise<string> {
    return waitFor(
      async () => {
        const output = await this.read(line);
        return holds(output) && { output };
      },
      { what, timeoutMs: 120_000, intervalMs: 250, signal: this.#signal },
    ).then(({ output }) => output);
  }
}

function indent(text: string): string {
  return text.trim() === '' ? '' : `${text.trimEnd().replace(/^/gm, '  ')}\n`;
}
