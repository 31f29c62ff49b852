import type { ClusterClient } from '../test/cluster/cluster-client.ts';
import { tryCommand } from '../test/cluster/run-command.ts';
import { waitFor } from '../test/cluster/wait-for.ts';

/** Shows commands as a person would type them, with what they answer. */
export class Terminal {
  readonly #cluster: ClusterClient;
  readonly #signal: AbortSignal;

  constructor(cluster: ClusterClient, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  say(text: string): void {
    process.stdout.write(`\n▸ ${text}\n`);
  }

  /** Runs a command line inside the cluster and shows it with its output. Throws where it fails. */
  async show(line: string, options: { readonly input?: string } = {}): Promise<string> {
    process.stdout.write(`\n$ ${line}\n`);
    if (options.input !== undefined) process.stdout.write(indent(options.input));
    // What kubectl has to say to a person ("No resources found") goes to standard error.
    const output = await this.read(`{ ${line}; } 2>&1`, options);
    process.stdout.write(indent(output));
    return output;
  }

  /** Runs a command line inside the cluster without showing it. */
  async read(line: string, options: { readonly input?: string } = {}): Promise<string> {
    const { code, stdout, stderr } = await tryCommand(this.#cluster.inside(['bash', '-c', line]), {
      ...options,
      env: { ...process.env, ...this.#cluster.environment() },
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
  return `${text.trimEnd().replace(/^/gm, '  ')}\n`;
}
