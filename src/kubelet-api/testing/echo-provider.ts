import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Provider } from '../../provider/provider.ts';

/** A provider whose commands and ports give back what they get, without a process: cheap enough for ten thousand sessions. */
export function echoProvider(): { readonly parts: Partial<Provider>; readonly record: { running: number } } {
  const record = { running: 0 };
  return {
    record,
    parts: {
      exec: async (_request, { stdin, stdout }, { signal }) => {
        record.running++;
        try {
          if (stdin !== undefined && stdout !== undefined) await pipeline(stdin, stdout, { end: false, signal });
          return { exitCode: 0 };
        } finally {
          record.running--;
        }
      },
      portForward: async () => new PassThrough(),
    },
  };
}
