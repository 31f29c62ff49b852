import type { LogRequest } from '../../../provider/provider.ts';
import type { Clock } from '../../../support/clock.ts';
import type { LogApi, LogLine, LogPage } from './log-api.ts';

export interface ReadStreamOptions {
  readonly api: Pick<LogApi, 'page'>;
  readonly stream: string;
  readonly request: Pick<LogRequest, 'follow' | 'timestamps' | 'tailLines' | 'sinceMs' | 'limitBytes'>;
  /** Whether the container has ended, so that no more will come than is on its way. */
  readonly hasEnded: () => boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How often the end of a stream is looked at that is followed. */
const followMs = 1000;
/** The driver may take so long to bring the last lines. */
const flushMs = 6000;
/** Clocks of Fargate and ours may differ. */
const skewMs = 5000;

/** Reads the log of one container in one task with kubelet's options; CloudWatch Logs knows times to the millisecond. */
export async function* readStream(options: ReadStreamOptions): AsyncGenerator<Uint8Array, void> {
  let remainingBytes = options.request.limitBytes ?? Number.POSITIVE_INFINITY;
  if (remainingBytes === 0) return;
  for await (const lines of pages(options)) {
    if (lines.length === 0) continue;
    const text = lines.map((line) => format(line, options.request.timestamps)).join('');
    const bytes = Buffer.from(text);
    const fitting = bytes.length <= remainingBytes ? bytes : bytes.subarray(0, remainingBytes);
    remainingBytes -= fitting.length;
    yield fitting;
    if (remainingBytes <= 0) return;
  }
}

async function* pages(options: ReadStreamOptions): AsyncGenerator<readonly LogLine[], void> {
  const { request, clock } = options;
  const { tailLines, follow } = request;
  const endMs = follow ? undefined : clock.now() + skewMs;
  if (tailLines === undefined) {
    yield* forward(options, { token: undefined, endMs });
    return;
  }
  const tail = await readTail(options, { lines: tailLines, endMs });
  yield tail.lines;
  if (follow) yield* forward(options, { token: tail.forwardToken, endMs });
}

/** From the token, or from the head, to the end; following, until the container has ended and nothing more comes. */
async function* forward(
  { api, stream, request, hasEnded, clock, signal }: ReadStreamOptions,
  { token: first, endMs }: { readonly token: string | undefined; readonly endMs: number | undefined },
): AsyncGenerator<readonly LogLine[], void> {
  let token = first;
  let endedAtMs: number | undefined;
  for (;;) {
    const page = await api.page({ stream, token, from: 'head', startMs: request.sinceMs, endMs }, { signal });
    if (page && page.lines.length > 0) {
      endedAtMs = undefined;
      yield page.lines;
    }
    const isAtEnd = page === undefined || page.forwardToken === token;
    token = page?.forwardToken ?? token;
    if (!isAtEnd) continue;
    if (!request.follow) return;
    if (hasEnded()) endedAtMs ??= clock.now();
    if (endedAtMs !== undefined && clock.now() - endedAtMs >= flushMs) return;
    await clock.sleep(followMs, { signal });
  }
}

/** The last lines, read backwards, and where to go on after them. */
async function readTail(
  { api, stream, request, signal }: ReadStreamOptions,
  { lines: wanted, endMs }: { readonly lines: number; readonly endMs: number | undefined },
): Promise<{ readonly lines: readonly LogLine[]; readonly forwardToken: string | undefined }> {
  const found: (readonly LogLine[])[] = [];
  let count = 0;
  let token: string | undefined;
  let forwardToken: string | undefined;
  for (;;) {
    const page: LogPage | undefined = await api.page(
      { stream, token, from: 'end', startMs: request.sinceMs, endMs },
      { signal },
    );
    forwardToken ??= page?.forwardToken;
    if (page === undefined || wanted === 0) break;
    found.unshift(page.lines);
    count += page.lines.length;
    if (count >= wanted || page.backwardToken === token) break;
    token = page.backwardToken;
  }
  return { lines: wanted === 0 ? [] : found.flat().slice(-wanted), forwardToken };
}

/** Nanoseconds in kubelet's width, of which we know the first three. */
function format({ timeMs, text }: LogLine, timestamps: boolean): string {
  return timestamps ? `${new Date(timeMs).toISOString().slice(0, -1)}000000Z ${text}\n` : `${text}\n`;
}
