import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogRequest } from '../../../provider/provider.ts';
import { FakeClock } from '../../../support/testing/fake-clock.ts';
import type { LogApi, LogLine, LogPageRequest } from './log-api.ts';
import { readStream } from './read-stream.ts';

const { signal } = new AbortController();
const startMs = Date.parse('2026-01-01T00:00:00Z');

/** A stream of CloudWatch Logs in pages of two lines, whose tokens are positions. */
class FakeStream implements Pick<LogApi, 'page'> {
  readonly lines: LogLine[] = [];
  readonly requests: LogPageRequest[] = [];

  write(...texts: readonly string[]): this {
    for (const text of texts) this.lines.push({ timeMs: startMs + this.lines.length * 1000 + 5, text });
    return this;
  }

  async page(request: LogPageRequest) {
    this.requests.push(request);
    const { token, from, startMs: sinceMs = 0, endMs = Number.POSITIVE_INFINITY } = request;
    const position = token === undefined ? (from === 'head' ? 0 : this.lines.length) : Number(token.slice(1));
    const forward = token === undefined ? from === 'head' : token.startsWith('f');
    const [first, last] = forward
      ? [position, Math.min(position + 2, this.lines.length)]
      : [Math.max(position - 2, 0), position];
    const lines = this.lines.slice(first, last).filter(({ timeMs }) => timeMs >= sinceMs && timeMs < endMs);
    return { lines, forwardToken: `f${last}`, backwardToken: `b${first}` };
  }
}

async function read(stream: FakeStream, request: Partial<LogRequest> = {}): Promise<string> {
  const options = { follow: false, timestamps: false, ...request };
  const clock = new FakeClock(startMs + 60_000);
  const chunks = readStream({ api: stream, stream: 's', request: options, hasEnded: () => true, clock, signal });
  return Buffer.concat(await Array.fromAsync(chunks)).toString();
}

describe('the log of a container', () => {
  const stream = new FakeStream().write('one', 'two', 'three', 'four', 'five');
  const cases: readonly (readonly [string, Partial<LogRequest>, string])[] = [
    ['all of it', {}, 'one\ntwo\nthree\nfour\nfive\n'],
    ['its last lines', { tailLines: 3 }, 'three\nfour\nfive\n'],
    ['more last lines than there are', { tailLines: 30 }, 'one\ntwo\nthree\nfour\nfive\n'],
    ['no last line', { tailLines: 0 }, ''],
    ['what was written since', { sinceMs: startMs + 3000 }, 'four\nfive\n'],
    ['the last lines of what was written since', { sinceMs: startMs + 2000, tailLines: 1 }, 'five\n'],
    ['its first bytes', { limitBytes: 6 }, 'one\ntw'],
    ['none of its bytes', { limitBytes: 0 }, ''],
    ['each line with its time', { timestamps: true, tailLines: 1 }, '2026-01-01T00:00:04.005000000Z five\n'],
  ];
  for (const [what, request, expected] of cases) {
    it(`gives ${what}`, async () => assert.equal(await read(stream, request), expected));
  }

  it('is empty where nothing was written', async () => {
    const nothing = { page: async () => undefined };
    const clock = new FakeClock();
    const request = { follow: false, timestamps: false };
    const chunks = readStream({ api: nothing, stream: 's', request, hasEnded: () => true, clock, signal });
    assert.deepEqual(await Array.fromAsync(chunks), []);
  });

  it('does not run after a container that writes and writes, unless it is followed', async () => {
    await read(stream);
    assert.ok((stream.requests.at(-1)?.endMs ?? 0) > startMs);
  });

  it('is followed until its container has ended and the last lines have come', async () => {
    const growing = new FakeStream().write('one');
    const clock = new FakeClock();
    let ended = false;
    const seen: string[] = [];
    const request = { follow: true, timestamps: false, tailLines: 1 };
    const reading = (async () => {
      const chunks = readStream({ api: growing, stream: 's', request, hasEnded: () => ended, clock, signal });
      for await (const chunk of chunks) seen.push(Buffer.from(chunk).toString());
    })();
    await clock.advance(3000);
    growing.write('two');
    await clock.advance(3000);
    ended = true;
    await clock.advance(2000);
    growing.write('late');
    await clock.advance(20_000);
    await reading;
    assert.deepEqual(seen, ['one\n', 'two\n', 'late\n']);
  });

  it('is no longer followed when the reader has gone', async () => {
    const clock = new FakeClock();
    const gone = new AbortController();
    const request = { follow: true, timestamps: false };
    const reading = Array.fromAsync(
      readStream({ api: stream, stream: 's', request, hasEnded: () => false, clock, signal: gone.signal }),
    );
    await clock.advance(3000);
    gone.abort(new Error('gone'));
    await assert.rejects(reading, /gone/);
  });
});
