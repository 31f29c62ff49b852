import { posix } from 'node:path';
import { CodedError } from '../../support/errors.ts';

const maxPathBytes = 4096;
const maxNameBytes = 255;

/**
 * The path of a file within a volume, made plain. Throws `InvalidInput` for one that would leave the volume or meet
 * the names that an atomic switch of its contents uses (`..data`), by kubelet's rules (`atomic_writer.go`).
 */
export function filePath(path: string): string {
  const parts = path.split('/');
  if (path === '') throw invalid('must not be empty: ""');
  if (path.startsWith('/')) throw invalid(`must be relative path: ${path}`);
  if (Buffer.byteLength(path) > maxPathBytes) throw invalid(`must be less than or equal to ${maxPathBytes} characters`);
  if (parts.includes('..')) throw invalid(`must not contain '..': ${path}`);
  if (parts.some((part) => Buffer.byteLength(part) > maxNameBytes)) {
    throw invalid(`filenames must be less than or equal to ${maxNameBytes} characters`);
  }
  if (path.startsWith('..')) throw invalid(`must not start with '..': ${path}`);
  return posix.normalize(path);
}

function invalid(what: string): CodedError {
  return new CodedError('InvalidInput', `invalid path: ${what}`, { reason: 'FailedMount' });
}
