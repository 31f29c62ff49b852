import { chmod, mkdir, open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Container } from '../../kubernetes/objects.ts';

/** Of the file the last bytes, of the log the last lines and bytes count (kubelet's `MaxContainerTerminationMessage…`). */
const maxFileBytes = 4096;
export const maxLogBytes = 2048;
export const maxLogLines = 80;

/** Makes the file that a container may write its last words into; every user may, whatever it runs as. */
export async function makeTerminationMessageFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '', { mode: 0o666 });
  await chmod(path, 0o666);
}

/**
 * The last words of a container that has ended: what it wrote into its file, else, where its spec says so and it failed,
 * the end of its log. '' for none.
 */
export async function readTerminationMessage(options: {
  readonly container: Container | undefined;
  readonly path: string;
  readonly exitCode: number;
  readonly readLogEnd: () => Promise<string>;
}): Promise<string> {
  const { container, path, exitCode, readLogEnd } = options;
  const written = await readEnd(path, maxFileBytes);
  if (written !== '') return written;
  const fallsBack = container?.terminationMessagePolicy === 'FallbackToLogsOnError' && exitCode !== 0;
  return fallsBack ? await readLogEnd() : '';
}

async function readEnd(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await file.close();
  }
}
