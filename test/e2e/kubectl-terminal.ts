import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../cluster/run-command.ts';
import { waitFor } from '../cluster/wait-for.ts';
import type { Stage } from './harness.ts';
import { runInside, type Transport } from './kubectl-process.ts';

/** kubectl at a terminal of 30 rows and 90 columns. */
export class KubectlTerminal {
  readonly child: ReturnType<typeof runInside>;
  readonly ended: Promise<number | null>;
  readonly #deviceFile: string;
  text = '';

  constructor(stage: Stage, { environment }: Pick<Transport, 'environment'>, args: readonly string[]) {
    this.#deviceFile = join(stage.rootDir, `terminal-${randomBytes(4).toString('hex')}`);
    const command = ['kubectl', '--namespace', stage.namespace, ...args].join(' ');
    const script = `tty >${this.#deviceFile}; stty rows 30 cols 90; exec ${command}`;
    this.child = runInside(['script', '--quiet', '--return', '--command', script, '/dev/null'], environment);
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
    });
    this.child.stderr.resume();
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  async until(pattern: RegExp): Promise<void> {
    try {
      await waitFor(async () => pattern.test(this.text), { what: `${pattern}`, timeoutMs: 15_000 });
    } catch (error) {
      throw new Error(`the terminal shows ${JSON.stringify(this.text)}`, { cause: error });
    }
  }

  /** Takes the terminal away, as a closed window does. */
  async leave(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** One dimension at a time: of two changes at once kubectl may pass on only the first. */
  async resize(dimension: 'rows' | 'cols', cells: number): Promise<void> {
    const device = readFileSync(this.#deviceFile, 'utf8').trim();
    await runCommand(['stty', '-F', device, dimension, `${cells}`]);
  }
}
