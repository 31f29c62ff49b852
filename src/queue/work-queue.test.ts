import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodedError } from '../support/errors.ts';
import { seededRandom } from '../support/random.ts';
import { FakeClock, settle } from '../support/testing/fake-clock.ts';
import { Backoff } from './backoff.ts';
import { type Process, WorkQueue } from './work-queue.ts';

const setUp = () => {
  const clock = new FakeClock();
  const errors: { key: string; error: unknown; retryAfterMs: number | undefined }[] = [];
  const queue = new WorkQueue({
    clock,
    backoff: new Backoff({ baseMs: 1000, capMs: 60_000 }, { clock, random: () => 0 }),
    onError: (key, error, retryAfterMs) => void errors.push({ key, error, retryAfterMs }),
  });
  const stop = new AbortController();
  const run = (workers: number, process: Process) => queue.run({ workers, signal: stop.signal, process });
  return { clock, queue, errors, stop, run };
};

const settled = async (turns = 5): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await settle();
};

describe('WorkQueue', () => {
  it('takes keys in the order of their adding, each once, also those added before it runs', async () => {
    const { queue, stop, run } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    assert.equal(queue.depth, 3);
    const taken: string[] = [];
    const done = run(1, async (key) => void taken.push(key));
    await settled();
    assert.deepEqual(taken, ['a', 'b', 'c']);
    stop.abort();
    await done;
  });

  it('tries again at once what failed, and nothing else, when told that the cause is over', async () => {
    const { queue, stop, run } = setUp();
    const taken: string[] = [];
    let failing = true;
    const done = run(1, async (key) => {
      taken.push(key);
      if (key === 'later') return { retryAfterMs: 60_000 };
      if (failing) throw new CodedError('Unavailable', 'away');
      return {};
    });
    for (const key of ['a', 'later', 'b']) queue.add(key);
    await settled(10);
    failing = false;
    queue.retryFailed();
    await settled(10);
    assert.deepEqual(taken, ['a', 'later', 'b', 'a', 'b']);
    queue.retryFailed();
    await settled(10);
    assert.equal(taken.length, 5, 'what has succeeded since is left alone');
    stop.abort();
    await done;
  });

  it('never starts work inside add', async () => {
    const { queue, stop, run } = setUp();
    const taken: string[] = [];
    const done = run(1, async (key) => void taken.push(key));
    queue.add('a');
    assert.deepEqual(taken, []);
    await settled();
    assert.deepEqual(taken, ['a']);
    stop.abort();
    await done;
  });

  it('processes a key again that was added while in work, once and not at the same time', async () => {
    const { queue, stop, run } = setUp();
    const gates: (() => void)[] = [];
    const done = run(5, () => new Promise<void>((resolve) => gates.push(resolve)));
    queue.add('a');
    await settled();
    queue.add('a');
    queue.add('a');
    await settled();
    assert.equal(gates.length, 1);
    gates[0]?.();
    await settled();
    assert.equal(gates.length, 2);
    gates[1]?.();
    await settled();
    assert.equal(gates.length, 2);
    stop.abort();
    await done;
  });

  it('holds the number of workers', async () => {
    const { queue, stop, run } = setUp();
    const gates: (() => void)[] = [];
    const done = run(3, () => new Promise<void>((resolve) => gates.push(resolve)));
    for (let index = 0; index < 10; index++) queue.add(`k${index}`);
    await settled();
    assert.equal(gates.length, 3);
    assert.equal(queue.inWork, 3);
    gates[0]?.();
    await settled();
    assert.equal(gates.length, 4);
    stop.abort();
    for (const open of gates) open();
    await done;
  });

  it('finishes what is in work when aborted, and takes nothing more', async () => {
    const { queue, stop, run } = setUp();
    const gates: (() => void)[] = [];
    let ended = false;
    const done = run(1, () => new Promise<void>((resolve) => gates.push(resolve))).then(() => {
      ended = true;
    });
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 1000);
    await settled();
    stop.abort();
    await settled();
    assert.equal(ended, false);
    gates[0]?.();
    await done;
    await settled();
    assert.equal(gates.length, 1);
    assert.equal(queue.delayed, 0);
  });

  it('ends at once where the signal has aborted before', async () => {
    const { stop, run, queue } = setUp();
    stop.abort();
    queue.add('a');
    await run(1, () => assert.fail('nothing is taken'));
  });

  it('adds after a delay, the earliest of several counting, with one timer for all', async () => {
    const { clock, queue, stop, run } = setUp();
    const taken: [string, number][] = [];
    const startMs = clock.now();
    const done = run(2, async (key) => void taken.push([key, clock.now() - startMs]));
    queue.addAfter('a', 5000);
    queue.addAfter('a', 2000);
    queue.addAfter('a', 9000);
    queue.addAfter('b', 3000);
    queue.addAfter('now', 0);
    assert.equal(clock.pending, 1);
    await clock.advance(10_000);
    assert.deepEqual(taken, [
      ['now', 0],
      ['a', 2000],
      ['b', 3000],
    ]);
    assert.equal(clock.pending, 0);
    stop.abort();
    await done;
  });

  it('comes back when the result says so', async () => {
    const { clock, queue, stop, run } = setUp();
    let count = 0;
    const done = run(1, async () => (++count < 3 ? { retryAfterMs: 1000 } : {}));
    queue.add('a');
    await settled();
    await clock.advance(10_000);
    assert.equal(count, 3);
    stop.abort();
    await done;
  });

  it('retries a rejection with backoff, not earlier than the error asks, and starts anew after success', async () => {
    const { clock, queue, errors, stop, run } = setUp();
    const answers: (CodedError | undefined)[] = [
      new CodedError('Unavailable', 'first'),
      new CodedError('Unavailable', 'second'),
      new CodedError('Throttled', 'third', { retryAfterMs: 7000 }),
      undefined,
      new CodedError('Unavailable', 'fourth'),
    ];
    const done = run(1, async () => {
      const error = answers.shift();
      if (error) throw error;
    });
    queue.add('a');
    await settled();
    await clock.advance(20_000);
    queue.add('a');
    await settled();
    assert.deepEqual(
      errors.map(({ retryAfterMs }) => retryAfterMs),
      [1000, 2000, 7000, 1000],
    );
    stop.abort();
    await done;
  });

  it('does not retry what can never succeed until it is added again', async () => {
    const { clock, queue, errors, stop, run } = setUp();
    const done = run(1, async () => {
      throw new CodedError('Terminal', 'no');
    });
    queue.add('a');
    await settled();
    await clock.advance(600_000);
    assert.deepEqual(
      errors.map(({ key, retryAfterMs }) => [key, retryAfterMs]),
      [['a', undefined]],
    );
    queue.add('a');
    await settled();
    assert.equal(errors.length, 2);
    stop.abort();
    await done;
  });

  for (const seed of [1, 2, 3]) {
    it(`loses no add and overlaps no key in a random run (seed ${seed})`, async () => {
      const { clock, queue, stop, run } = setUp();
      const random = seededRandom(seed);
      const version = new Map<string, number>();
      const seen = new Map<string, number>();
      const inWork = new Set<string>();
      const done = run(4, async (key) => {
        assert.ok(!inWork.has(key), `${key} is in work twice`);
        assert.ok(inWork.size < 4);
        inWork.add(key);
        seen.set(key, version.get(key) ?? 0);
        if (random() < 0.5) await clock.sleep(random() * 100);
        inWork.delete(key);
        if (random() < 0.1) throw new CodedError('Unavailable', 'by chance');
      });
      for (let step = 0; step < 2000; step++) {
        const key = `k${Math.floor(random() * 20)}`;
        version.set(key, step);
        if (random() < 0.7) queue.add(key);
        else queue.addAfter(key, random() * 200);
        if (random() < 0.2) await clock.advance(random() * 50);
      }
      await clock.advance(200_000);
      assert.deepEqual(seen, new Map([...seen.keys()].map((key) => [key, version.get(key)])));
      assert.equal(seen.size, version.size);
      assert.deepEqual([queue.depth, queue.delayed, queue.inWork], [0, 0, 0]);
      stop.abort();
      await done;
    });
  }

  it('takes 100,000 keys, and as many delays with one timer', async () => {
    const { clock, queue, stop, run } = setUp();
    let count = 0;
    const done = run(1000, async () => void count++);
    for (let index = 0; index < 100_000; index++) queue.add(`k${index}`);
    while (count < 100_000) await settle();
    for (let index = 0; index < 100_000; index++) queue.addAfter(`k${index}`, (index * 7919) % 100_000);
    assert.equal(clock.pending, 1);
    stop.abort();
    await done;
  });
});
