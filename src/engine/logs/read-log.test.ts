import assert from 'node:assert/strict';
import { appendFile, link, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../support/clock.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
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

  it('reads the files of a rotated log as one: the oldest first, tails and times across them (seeded)', async () => {
    const random = seededRandom(11);
    const lines = Array.from({ length: 400 }, (_, index) => {
      const tag = random() < 0.3 ? 'P' : 'F';
      const stream = random() < 0.3 ? 'stderr' : 'stdout';
      const second = String(Math.floor(index / 10)).padStart(2, '0');
      return `2026-01-01T00:00:${second}.${String(index).padStart(9, '0')}Z ${stream} ${tag} ${'x'.repeat(random() * 40)}${index}`;
    });
    lines.push('2026-01-01T00:00:40Z stdout F end');
    const whole = await write('whole', `${lines.join('\n')}\n`);
    // One of the files is empty, and the one that 10 names comes after 9, not after 1.
    const cuts = [0, 3, 4, 40, 41, 120, 120, 200, 260, 330, 401];
    const path = join(folder, 'rotated');
    for (const [index, from] of cuts.slice(0, -1).entries()) {
      const part = lines.slice(from, cuts[index + 1]).map((line) => `${line}\n`);
      await writeFile(index === cuts.length - 2 ? path : `${path}.${index + 2}`, part.join(''));
    }
    await writeFile(`${path}.tmp`, 'not of the row\n');
    const selections: Partial<LogSelection>[] = [
      {},
      { timestamps: true },
      { limitBytes: 1234 },
      { stream: 'stderr' },
      { sinceMs: Date.parse('2026-01-01T00:00:17Z') },
      ...[0, 1, 5, 30, 60, 61, 62, 63, 200, 277, 1000].map((tailLines) => ({ tailLines })),
      ...[1, 30, 100].map((tailLines) => ({ tailLines, stream: 'stdout' as const })),
    ];
    for (const selection of selections) {
      assert.equal(await read(path, selection), await read(whole, selection), JSON.stringify(selection));
    }
  });

  it('leaves out at once the files that end before the time asked for', async () => {
    const path = await write('since', '2026-01-01T00:00:09Z stdout F new\n');
    await write(
      'since.1',
      'old, and not looked into: 2026-01-01T00:00:09Z stdout F\n2026-01-01T00:00:09Z stdout F no\n',
    );
    await utimes(`${path}.1`, 0, Date.parse('2026-01-01T00:00:01Z') / 1000);
    assert.equal(await read(path, { sinceMs: Date.parse('2026-01-01T00:00:05Z') }), 'new\n');
  });

  it('gives the same where it may write over a chunk once the next is asked for', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `2026-01-01T00:00:00Z stdout F ${'y'.repeat(i % 300)} ${i}\n`);
    const path = await write('recycled', lines.join(''));
    let text = '';
    for await (const chunk of readLog(path, { timestamps: false, recycle: true, signal })) text += Buffer.from(chunk);
    assert.equal(text, await read(path, {}));
  });

  it('reads once what has two names in the middle of a rotation', async () => {
    const path = await write('twice', '2026-01-01T00:00:09Z stdout F once\n');
    await link(path, `${path}.7`);
    assert.equal(await read(path, {}), 'once\n');
    assert.equal(await read(path, { tailLines: 5 }), 'once\n');
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

  it('misses no line of rotations, also of several while it waits, and none of files that were removed meanwhile', async () => {
    const path = join(folder, 'd');
    const { follow, end } = container();
    const rotate = async (serial: number): Promise<void> => {
      await link(path, `${path}.${serial}`);
      await writeFile(`${path}.tmp`, '');
      await rename(`${path}.tmp`, path);
    };
    await writeFile(path, line('one'));
    const log = readLog(path, { timestamps: false, follow, signal });
    assert.equal(await next(log), 'one\n');
    await appendFile(path, line('two'));
    await rotate(5);
    await appendFile(path, line('three'));
    await rotate(6);
    await appendFile(path, line('four'));
    // The reader still holds it.
    await rm(`${path}.5`);
    for (const expected of ['two\n', 'three\n', 'four\n']) assert.equal(await next(log), expected);
    await appendFile(path, line('five'));
    await link(path, `${path}.7`);
    assert.equal(await next(log), 'five\n');
    end();
    assert.equal(await next(log), undefined);
  });

  it('sees soon what is written after a rotation', async () => {
    const path = join(folder, 'e');
    const { follow, end } = container();
    await writeFile(path, line('one'));
    const log = readLog(path, { timestamps: false, follow: { ...follow, clock: new FakeClock() }, signal });
    assert.equal(await next(log), 'one\n');
    const second = next(log);
    await link(path, `${path}.1`);
    await writeFile(`${path}.tmp`, '');
    await rename(`${path}.tmp`, path);
    await appendFile(path, line('two'));
    assert.equal(await second, 'two\n');
    const third = next(log);
    await appendFile(path, line('three'));
    assert.equal(await third, 'three\n');
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
