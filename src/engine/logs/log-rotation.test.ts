import assert from 'node:assert/strict';
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CodedError } from '../../support/errors.ts';
import type { Logger } from '../../support/logger.ts';
import { silentLogger } from '../../support/logger.ts';
import { seededRandom } from '../../support/random.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { type LogLimits, LogRotation, type LogRotationOptions } from './log-rotation.ts';
import { readLog } from './read-log.ts';

const { signal } = new AbortController();

/** A container and the process that watches it, as conmon does: it opens a new file and gives it the old one's name. */
class WatchedContainer {
  readonly path: string;
  readonly written: string[] = [];
  #file: number;
  /** Words on their way to it. */
  asked = 0;

  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'a');
  }

  write(lines: number): void {
    for (let i = 0; i < lines; i++) {
      const text = `line ${this.written.length + 1}`;
      this.written.push(text);
      writeSync(this.#file, `2026-01-01T00:00:00.000000000+00:00 stdout F ${text}\n`);
    }
  }

  /** Does what it was asked to; between two words it writes, as the worst case has it. */
  obey(): void {
    for (; this.asked > 0; this.asked--) {
      closeSync(this.#file);
      this.#file = openSync(`${this.path}.tmp`, 'w');
      renameSync(`${this.path}.tmp`, this.path);
      this.write(1);
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

describe('LogRotation', () => {
  let folder: string;
  let container: WatchedContainer;
  let clock: FakeClock;
  const lineBytes = 60;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'log-rotation-'));
    container = new WatchedContainer(join(folder, 'ctr.log'));
    clock = new FakeClock();
  });
  afterEach(async () => {
    container.close();
    await rm(folder, { recursive: true });
  });

  const ask = async (): Promise<void> => {
    container.asked += 1;
  };
  const rotation = (
    limits: Partial<LogLimits> = {},
    { reopenLog = ask, log = silentLogger }: Partial<LogRotationOptions['runtime']> & { readonly log?: Logger } = {},
  ): LogRotation =>
    new LogRotation({
      runtime: { logPath: async () => container.path, reopenLog },
      limits: { maxBytes: 10 * lineBytes, maxFiles: 100, ...limits },
      clock,
      log,
    });
  const files = async (): Promise<readonly string[]> => (await readdir(folder)).toSorted();
  const read = async (): Promise<readonly string[]> =>
    Buffer.concat(await Array.fromAsync(readLog(container.path, { timestamps: false, signal })))
      .toString()
      .split('\n')
      .slice(0, -1);

  it('leaves a log alone that is not full', async () => {
    container.write(9);
    await rotation().lookAt(['c'], { signal });
    assert.deepEqual(await files(), ['ctr.log']);
    assert.equal(container.asked, 0);
  });

  it('knows how large the whole log was at its last look, and nothing of what has ended', async () => {
    const rotating = rotation({ maxFiles: 3 });
    for (let i = 0; i < 5; i++) {
      container.write(20);
      await rotating.lookAt(['c'], { signal });
      container.obey();
    }
    await clock.advance(10_000);
    await rotating.lookAt(['c'], { signal });
    let bytes = 0;
    for (const name of await files()) bytes += (await stat(join(folder, name))).size;
    assert.deepEqual(rotating.sizes.of('c'), { timeMs: clock.now(), bytes });
    await rotating.lookAt([], { signal });
    assert.equal(rotating.sizes.of('c'), undefined);
  });

  it('keeps so many files, the newest', async () => {
    const rotating = rotation({ maxFiles: 3 });
    for (let i = 0; i < 5; i++) {
      container.write(20);
      await rotating.lookAt(['c'], { signal });
      container.obey();
    }
    assert.deepEqual(await files(), ['ctr.log', 'ctr.log.4', 'ctr.log.5']);
    assert.deepEqual(await read(), container.written.slice(62));
  });

  it('asks once, however long the watcher takes', async () => {
    const rotating = rotation();
    container.write(20);
    for (let i = 0; i < 20; i++) {
      await rotating.lookAt(['c'], { signal });
      await clock.advance(10_000);
    }
    assert.equal(container.asked, 1);
    assert.deepEqual(await files(), ['ctr.log', 'ctr.log.1']);
    container.obey();
    container.write(20);
    await rotating.lookAt(['c'], { signal });
    assert.equal(container.asked, 1);
    assert.deepEqual(await read(), container.written);
  });

  it('asks again at the next look where the watcher could not be asked', async () => {
    let failures = 2;
    const rotating = rotation(
      {},
      {
        reopenLog: async () => {
          if (failures-- > 0) throw new CodedError('Unavailable', 'Podman is away');
          await ask();
        },
      },
    );
    container.write(20);
    for (let i = 0; i < 4; i++) await rotating.lookAt(['c'], { signal });
    assert.equal(container.asked, 1);
    assert.deepEqual(await files(), ['ctr.log', 'ctr.log.1']);
  });

  it('gives a watcher time that a process before us may have asked, then asks', async () => {
    container.write(20);
    const dies = rotation({}, { reopenLog: () => Promise.reject(new Error('killed')) });
    await dies.lookAt(['c'], { signal });
    const next = rotation();
    for (let second = 0; second < 60; second += 10) {
      await next.lookAt(['c'], { signal });
      assert.equal(container.asked, 0, `after ${second} s`);
      await clock.advance(10_000);
    }
    await next.lookAt(['c'], { signal });
    assert.equal(container.asked, 1);
    container.obey();
    assert.deepEqual(await read(), container.written);
  });

  it('says what went wrong, but not that a container has gone', async () => {
    const warnings: string[] = [];
    const log: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    container.write(20);
    for (const error of [new CodedError('Conflict', 'nobody watches it'), new Error('no space left on device')]) {
      await rotation({}, { log, reopenLog: () => Promise.reject(error) }).lookAt(['c'], { signal });
      await rm(`${container.path}.1`);
    }
    assert.deepEqual(warnings, ["a container's log could not be rotated; it is tried again"]);
  });

  it('looks at all that run every ten seconds', async () => {
    const ends = new AbortController();
    const looked: string[] = [];
    const rotating = new LogRotation({
      runtime: {
        logPath: async (id) => {
          looked.push(id);
          throw new CodedError('NotFound', 'it has gone');
        },
        reopenLog: ask,
      },
      limits: { maxBytes: 1, maxFiles: 2 },
      clock,
      log: silentLogger,
    });
    const running = rotating.run(() => ['a', 'b'], { signal: ends.signal });
    await clock.advance(9_999);
    assert.deepEqual(looked, []);
    await clock.advance(1);
    assert.deepEqual(looked, ['a', 'b']);
    ends.abort();
    await running;
  });

  it('loses no line, for readers and followers, whenever it is killed and however slow the watcher is (seeded)', async () => {
    const random = seededRandom(5);
    for (let round = 0; round < 10; round++) {
      const ended = new AbortController();
      const follow = {
        clock,
        hasEnded: () => ended.signal.aborted,
        untilChanged: () =>
          new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve(), { once: true })),
      };
      const followed = Array.fromAsync(readLog(container.path, { timestamps: false, tailLines: 0, follow, signal }));
      const firstLine = container.written.length;
      // Following begins where the log ends, so that has to be looked up before more is written.
      await new Promise((resolve) => setTimeout(resolve, 20));
      let rotating = rotation();
      for (let step = 0; step < 30; step++) {
        container.write(Math.floor(random() * 15));
        if (random() < 0.6) container.obey();
        // Killed before or after the word is given.
        if (random() < 0.15) {
          const given = random() < 0.5;
          const dying = rotation({}, { reopenLog: () => (given ? ask() : new Promise(() => {})) });
          void dying.lookAt(['c'], { signal });
          await new Promise((resolve) => setTimeout(resolve, 5));
          rotating = rotation();
        } else {
          await rotating.lookAt(['c'], { signal });
        }
        await clock.advance(10_000);
      }
      container.obey();
      ended.abort();
      const text = Buffer.concat(await followed).toString();
      assert.deepEqual(text.split('\n').slice(0, -1), container.written.slice(firstLine), `followed in round ${round}`);
      assert.deepEqual(await read(), container.written, `read after round ${round}`);
    }
    assert.ok((await files()).length > 20, String(await files()));
  });
});
