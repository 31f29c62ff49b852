import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment of the command; ours where absent. */
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** Keeps the Ctrl-C of a terminal from it, for what must come to its end. */
  readonly uninterrupted?: boolean;
}

/** Runs a command to its end and hands back its output and exit code; only a command that cannot run at all throws. */
export function tryCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = command;
  if (file === undefined) throw new TypeError('A command needs at least its own name.');
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      signal: options.signal,
      detached: options.uninterrupted === true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({
        // What a shell reports for a command that a signal ended.
        code: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString() + (signal === null ? '' : `(ended by ${signal})`),
      });
    });
    // A command that ends without reading its input is not an error of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** As tryCommand, but an exit code other than 0 throws, with what the command said. */
export async function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(command, options);
  if (code !== 0) {
    const said = stderr.trim() || stdout.trim() || 'it printed nothing';
    throw new Error(`'${command.join(' ')}' ended with exit code ${code}: ${tail(said)}`);
  }
  return stdout;
}

/** The last lines of a text: where a failing command or server says why. */
export function tail(text: string, lines = 20): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Whether a command of this name can be run. */
export async function hasCommand(name: string): Promise<boolean> {
  const { code } = await tryCommand(['sh', '-c', 'command -v "$1"', 'sh', name]);
  return code === 0;
}
