import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { seededRandom } from '../../support/random.ts';
import type { Following } from './file-changes.ts';
import type { LogSelection } from './log-format.ts';
import { readLog } from './read-log.ts';

const { signal } = new AbortController();

const sample = [
  '2026-01-01T00:00:00.000000001+00:00 stdout F one',
  '2026-01-01T00:00:01.500000000+00:00 stderr F two',
  '2026-01-01T00:00:01.500000001+00:00 stdout P thr',
  '2026-01-01T00:00:01.500000002+00:00 stdout F ee',
  'not a line of the format',
  '2026-01-01T00:00:03.000000000+00:00 stdout F ',
  '2026-01-01T00:00:04.000000000Z stdout F four – ünïcode',
  '',
].join('\n');

const cases: readonly (readonly [string, Partial<LogSelection>, string])[] = [
  ['everything, lines in parts put together', {}, 'one\ntwo\nthree\n\nfour – ünïcode\n'],
  ['no lines', { tailLines: 0 }, ''],
  ['the last line', { tailLines: 1 }, 'four – ünïcode\n'],
  ['a whole line though it is in parts', { tailLines: 3 }, 'three\n\nfour – ünïcode\n'],
  ['all lines where there are fewer than asked for', { tailLines: 99 }, 'one\ntwo\nthree\n\nfour – ünïcode\n'],
  ['exactly as many lines as there are', { tailLines: 5 }, 'one\ntwo\nthree\n\nfour – ünïcode\n'],
  ['one stream', { stream: 'stderr' }, 'two\n'],
  ['the tail of one stream', { stream: 'stdout', tailLines: 4 }, 'one\nthree\n\nfour – ünïcode\n'],
  ['lines since a moment', { sinceMs: Date.parse('2026-01-01T00:00:03Z') }, '\nfour – ünïcode\n'],
  ['a line of that very moment', { sinceMs: Date.parse('2026-01-01T00:00:01.500Z') }, 'two\nthree\n\nfour – ünïcode\n'],
  [
    'the tail, and of it what is recent',
    { tailLines: 2, sinceMs: Date.parse('2026-01-01T00:00:03.5Z') },
    'four – ünïcode\n',
  ],
  ['so many bytes', { limitBytes: 6 }, 'one\ntw'],
  ['no bytes', { limitBytes: 0 }, ''],
  [
    'times before lines, once a line',
    { timestamps: true, tailLines: 3 },
    [
      '2026-01-01T00:00:01.500000001Z three',
      '2026-01-01T00:00:03.000000000Z ',
      '2026-01-01T00:00:04.000000000Z four – ünïcode\n',
    ].join('\n'),
  ],
  ['times that count as bytes', { timestamps: true, limitBytes: 33 }, '2026-01-01T00:00:00.000000001Z on'],
];

describe('readLog', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'read-log-'));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (name: string, content: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content);
    return path;
  };
  const read = async (path: string, selection: Partial<LogSelection>): Promise<string> => {
    const chunks = await Array.fromAsync(readLog(path, { timestamps: false, ...selection, signal }));
    return Buffer.concat(chunks).toString();
  };

  for (const [name, selection, expected] of cases) {
    it(`gives ${name}`, async () => {
      assert.equal(await read(await write('sample', sample), selection), expected);
    });
  }

  it('gives nothing of an empty log', async () => {
    const path = await write('empty', '');
    assert.equal(await read(path, {}), '');
    assert.equal(await read(path, { tailLines: 5 }), '');
  });

  it('leaves out a line that is not complete yet', async () => {
    assert.equal(
      await read(await write('cut', `${sample}2026-01-01T00:00:05Z stdout F fi`), { tailLines: 1 }),
      'four – ünïcode\n',
    );
  });

  it('finds the same tail as reading everything does, across the borders of blocks (seeded)', async () => {
    const random = seededRandom(7);
    const lines = Array.from({ length: 3000 }, (_, index) => {
      const tag = random() < 0.2 ? 'P' : 'F';
      const stream = random() < 0.3 ? 'stderr' : 'stdout';
      return `2026-01-01T00:00:00.${String(index).padStart(9, '0')}Z ${stream} ${tag} ${'x'.repeat(random() * 200)}${index}`;
    });
    lines.push('2026-01-01T00:00:01Z stdout F end');
    const path = await write('long', `${lines.join('\n')}\n`);
    const all = (await read(path, {})).split('\n').slice(0, -1);
    for (const tailLines of [1, 2, 10, 300, 1000, 2399]) {
      assert.equal(await read(path, { tailLines }), `${all.slice(-tailLines).join('\n')}\n`, String(tailLines));
    }
  });

  it('rejects where there is no file', async () => {
    await assert.rejects(read(join(folder, 'none'), {}), { code: 'ENOENT' });
  });
});

describe('readLog, following', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'follow-log-'));
  });
  after(() => rm(folder, { recursive: true }));

  const line = (text: string): string => `2026-01-01T00:00:00.000000000Z stdout F ${text}\n`;
  /** A container that ends when told to. */
  const container = (): { readonly follow: Following; end(): void } => {
    const ended = new AbortController();
    return {
      end: () => ended.abort(),
      follow: {
        clock: systemClock,
        hasEnded: () => ended.signal.aborted,
        untilChanged: () =>
          new Promise((resolve) => ended.signal.addEventListener('abort', () => resolve(), { once: true })),
      },
    };
  };
  const next = async (log: AsyncGenerator<Uint8Array, void>): Promise<string | undefined> => {
    const { value, done } = await log.next();
    return done ? undefined : Buffer.from(value as Uint8Array).toString();
  };

  it('gives what is written later and ends with the container', async () => {
    const path = join(folder, 'a');
    const { follow, end } = container();
    await writeFile(path, line('one') + line('two'));
    const log = readLog(path, { timestamps: false, tailLines: 1, follow, signal });
    assert.equal(await next(log), 'two\n');
    const third = next(log);
    await appendFile(path, line('three'));
    assert.equal(await third, 'three\n');
    await appendFile(path, line('four'));
    end();
    assert.equal(await next(log), 'four\n');
    assert.equal(await next(log), undefined);
  });

  it('goes on in a log that was written anew', async () => {
    const path = join(folder, 'b');
    const { follow, end } = container();
    await writeFile(path, line('one'));
    const log = readLog(path, { timestamps: false, follow, signal });
    assert.equal(await next(log), 'one\n');
    await writeFile(join(folder, 'fresh'), line('two'));
    const second = next(log);
    await rename(join(folder, 'fresh'), path);
    assert.equal(await second, 'two\n');
    end();
    assert.equal(await next(log), undefined);
  });

  it('stops when the reader has gone', async () => {
    const path = join(folder, 'c');
    await writeFile(path, line('one'));
    const gone = new AbortController();
    const log = readLog(path, { timestamps: false, follow: container().follow, signal: gone.signal });
    assert.equal(await next(log), 'one\n');
    const more = log.next();
    gone.abort(new Error('gone'));
    await assert.rejects(more, /gone/);
  });
});
