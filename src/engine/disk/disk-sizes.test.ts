import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { CodedError } from '../../support/errors.ts';
import { silentLogger } from '../../support/logger.ts';
import { FakeClock, settle } from '../../support/testing/fake-clock.ts';
import { DiskSizes, type MeasuredFolder } from './disk-sizes.ts';
import type { FolderSize } from './measure-folders.ts';

const folder = (key: string): MeasuredFolder => ({ key, path: `/at/${key}`, filesystem: tmpdir(), isLimited: false });

/** Sizes that are asked for by `folders`, and found as `measure` says. */
function setUp(measure: (paths: readonly string[]) => Promise<ReadonlyMap<string, FolderSize>>) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const warnings: string[] = [];
  const measuredAtMs: number[] = [];
  let looks = 0;
  const sizes = new DiskSizes({
    clock,
    log: { ...silentLogger, warn: (message) => void warnings.push(message) },
    measure: async (paths) => {
      measuredAtMs.push(clock.now());
      return await measure(paths);
    },
  });
  const beganAtMs = clock.now();
  const run = (folders: readonly MeasuredFolder[]): Promise<void> =>
    sizes.run(async () => folders, { signal: stop.signal, onMeasured: async () => void looks++ });
  /** Lets time pass, and all the time that the system's file systems take to be read. */
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1000);
      while (clock.pending === 0) await settle();
    }
  };
  const secondsOfMeasures = () => measuredAtMs.map((atMs) => (atMs - beganAtMs) / 1000);
  return { clock, pass, stop, warnings, sizes, run, secondsOfMeasures, looks: () => looks };
}

const found = async (paths: readonly string[]) => new Map(paths.map((path) => [path, { bytes: 5, inodes: 2 }]));

describe('DiskSizes', () => {
  it('measures soon after the start and once a minute, and keeps what it found', async () => {
    const { pass, stop, sizes, run, secondsOfMeasures } = setUp(found);
    const running = run([folder('a')]);
    assert.equal(sizes.of('a'), undefined);
    await pass(135);
    assert.deepEqual(secondsOfMeasures(), [10, 70, 130]);
    const { filesystem, ...size } = sizes.of('a') ?? assert.fail();
    assert.deepEqual(size, { timeMs: size.timeMs, bytes: 5, inodes: 2 });
    assert.ok((filesystem?.capacityBytes ?? 0) > 0);
    stop.abort(new Error('done'));
    await running;
  });

  it('measures a new folder soon, and each in its own time', async () => {
    const { pass, stop, run, secondsOfMeasures, looks } = setUp(found);
    const folders = [folder('a')];
    const running = run(folders);
    await pass(25);
    folders.push(folder('b'));
    await pass(110);
    assert.deepEqual(secondsOfMeasures(), [10, 30, 70, 90, 130]);
    assert.equal(looks(), 13);
    folders.push({ ...folder('c'), isLimited: true });
    await pass(30);
    assert.deepEqual(secondsOfMeasures().slice(5), [140, 150, 160]);
    stop.abort(new Error('done'));
    await running;
  });

  it('waits ten times as long as a walk took', async () => {
    const { clock, pass, stop, run, secondsOfMeasures } = setUp(async () => {
      await clock.sleep(30_000);
      return new Map();
    });
    const running = run([folder('a')]);
    await pass(400);
    assert.deepEqual(secondsOfMeasures(), [10, 340]);
    stop.abort(new Error('done'));
    await running;
  });

  it('forgets what is not asked for any more, and says nothing of what it did not find', async () => {
    const { sizes } = setUp(async (paths) => new Map(paths.slice(0, 1).map((path) => [path, { bytes: 1, inodes: 1 }])));
    const { signal } = new AbortController();
    await sizes.measure([folder('a'), folder('b')], { signal });
    assert.deepEqual([sizes.of('a')?.bytes, sizes.of('b')], [1, undefined]);
    await sizes.measure([], { signal });
    assert.equal(sizes.of('a'), undefined);
  });

  it('says once that it cannot, goes on trying, and says so again after it could', async () => {
    let isBroken = true;
    const { pass, stop, warnings, sizes, run } = setUp((paths) =>
      isBroken ? Promise.reject(new CodedError('Unavailable', 'no du')) : found(paths),
    );
    const running = run([folder('a')]);
    await pass(60);
    await pass(60);
    assert.equal(warnings.length, 1);
    isBroken = false;
    await pass(60);
    assert.equal(sizes.of('a')?.bytes, 5);
    isBroken = true;
    await pass(60);
    assert.equal(warnings.length, 2);
    stop.abort(new Error('done'));
    await running;
  });
});
