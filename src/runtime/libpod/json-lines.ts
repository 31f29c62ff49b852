import { CodedError } from '../../support/errors.ts';

/** No event and no progress report is longer. */
const longestLineBytes = 1024 * 1024;

/** One JSON value a line, as they come. */
export async function* readJsonLines<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLineBytes) throw new CodedError('Internal', 'Podman sent a line without an end');
    for (const line of lines) if (line.trim() !== '') yield parse<T>(line);
  }
  if (rest.trim() !== '') yield parse<T>(rest);
}

function parse<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new CodedError('Unavailable', 'Podman’s answer broke off', { cause });
  }
}
