import { pipeline } from 'node:stream/promises';
import type { Pod } from '../kubernetes/objects.ts';
import type { Call } from './call.ts';

const pieceChars = 64 * 1024;

/**
 * Answers with a v1 PodList, written as it is serialized: the list of ten thousand pods is tens of megabytes, and the
 * reader may be slow.
 */
export async function answerPodList({ response, signal }: Call, pods: Iterable<Pod>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json' });
  await pipeline(serialize(pods), response, { signal });
}

function* serialize(pods: Iterable<Pod>): Generator<string> {
  let piece = '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[';
  let separator = '';
  for (const pod of pods) {
    piece += separator + JSON.stringify(pod);
    separator = ',';
    if (piece.length >= pieceChars) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}]}\n`;
}
