import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger } from '../support/logger.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { events } from './client.ts';
import { EventCorrelator } from './event-correlator.ts';
import { EventRecorder, involvedNode, involvedPod } from './event-recorder.ts';
import { connectClient, startServer } from './testing/test-client.ts';
import { advanceUntil, waitFor } from './testing/wait-for.ts';

const web = involvedPod({ namespace: 'default', name: 'web', uid: 'u1' }, 'spec.containers{nginx}');
const podNumber = (index: number) => involvedPod({ namespace: 'default', name: `p${index}`, uid: `u${index}` });
const started = { object: web, type: 'Normal', reason: 'Started', message: 'Started container nginx' } as const;

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const server = await startServer(t, { clock });
  const client = await connectClient(t, server, { clock });
  const stop = new AbortController();
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  const recorder = new EventRecorder({ client, component: 'kubelet', host: 'vk', clock, random: () => 0, log });
  const start = () => {
    const done = recorder.run(stop.signal);
    t.after(async () => {
      stop.abort();
      await done;
    });
  };
  const written = () => server.list(events);
  const flush = () => recorder.flush(AbortSignal.timeout(5000));
  return { clock, server, recorder, start, stop, written, flush, warnings };
}

describe('EventRecorder', () => {
  it('writes an event in the shape in which kubelet does', async (t) => {
    const { recorder, start, written, flush } = await setUp(t);
    start();
    recorder.record(started);
    await flush();
    const [event, ...others] = written();
    assert.deepEqual(others, []);
    assert.match(event?.metadata.name ?? '', /^web\.[0-9a-f]{16}$/);
    const { metadata: _, ...rest } = event ?? { metadata: {} };
    assert.deepEqual(rest, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: 'default',
        name: 'web',
        uid: 'u1',
        fieldPath: 'spec.containers{nginx}',
      },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container nginx',
      source: { component: 'kubelet', host: 'vk' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 1,
      reportingComponent: 'kubelet',
      reportingInstance: 'vk',
    });
  });

  it('writes events of nodes into the default namespace', async (t) => {
    const { recorder, start, written, flush } = await setUp(t);
    start();
    recorder.record({ object: involvedNode('vk'), type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' });
    await flush();
    assert.equal(written()[0]?.metadata.namespace, 'default');
  });

  it('counts the same event up by a patch', async (t) => {
    const { clock, server, recorder, start, written, flush } = await setUp(t);
    start();
    recorder.record(started);
    await flush();
    await clock.advance(5000);
    recorder.record(started);
    await flush();
    const [event, ...others] = written();
    assert.deepEqual(others, []);
    assert.deepEqual(
      [event?.count, event?.firstTimestamp, event?.lastTimestamp],
      [2, '2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z'],
    );
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ['POST', 'PATCH'],
    );
  });

  it('writes once what happened several times before it could be written', async (t) => {
    const { server, recorder, start, written, flush } = await setUp(t);
    for (let count = 0; count < 5; count++) recorder.record(started);
    start();
    await flush();
    assert.equal(written()[0]?.count, 5);
    assert.equal(server.requests.length, 1);
  });

  it('begins anew where the API server has forgotten the event', async (t) => {
    const { server, recorder, start, written, flush } = await setUp(t);
    start();
    recorder.record(started);
    await flush();
    const { name = '' } = written()[0]?.metadata ?? {};
    server.remove(events, { namespace: 'default', name });
    recorder.record(started);
    await flush();
    assert.equal(written()[0]?.count, 2);
  });

  it('keeps events while the API server cannot be reached', async (t) => {
    const { clock, server, recorder, start, written } = await setUp(t);
    server.fail({ fault: { kind: 'status', code: 500 }, times: 3 });
    start();
    recorder.record(started);
    await advanceUntil(clock, 'the event', () => written().length === 1);
    assert.equal(written().length, 1);
    assert.equal(recorder.dropped, 0);
  });

  it('does not write an event twice whose answer was cut off', async (t) => {
    const { clock, server, recorder, start, written, flush } = await setUp(t);
    server.fail({ fault: { kind: 'cut', when: 'after' } });
    start();
    recorder.record(started);
    await waitFor('the cut', () => written().length === 1);
    let isFlushed = false;
    const flushed = flush().then(() => {
      isFlushed = true;
    });
    await advanceUntil(clock, 'the flush', () => isFlushed);
    await flushed;
    assert.equal(written().length, 1);
    assert.equal(recorder.dropped, 0);
  });

  it('gives up what the API server will not take', async (t) => {
    const { server, recorder, start, flush } = await setUp(t);
    server.fail({ fault: { kind: 'status', code: 403 } });
    server.fail({ fault: { kind: 'status', code: 422 } });
    start();
    recorder.record(started);
    recorder.record({ ...started, reason: 'Created' });
    await flush();
    assert.equal(recorder.dropped, 2);
  });

  it('drops the oldest where too many wait, and warns once', async (t) => {
    const { recorder, start, written, warnings } = await setUp(t);
    for (let index = 0; index < 8292; index++) recorder.record({ ...started, object: podNumber(index) });
    assert.equal(recorder.dropped, 100);
    assert.equal(warnings.length, 1);
    start();
    await waitFor('some events', () => written().length >= 10);
    const numbers = written().map(({ involvedObject }) => Number(involvedObject.name?.slice(1)));
    assert.equal(Math.min(...numbers), 100);
  });

  it('gives up waiting for the last event when its signal aborts', async (t) => {
    const { recorder } = await setUp(t);
    recorder.record(started);
    await recorder.flush(AbortSignal.abort());
  });
});

describe('EventCorrelator', () => {
  const pulling = (message: string, object = web) => ({ object, type: 'Normal', reason: 'Pulling', message }) as const;

  it('combines from the tenth event on that differs by its message only', () => {
    const correlator = new EventCorrelator(new FakeClock());
    const messages = Array.from({ length: 12 }, (_, index) => correlator.correlate(pulling(`image ${index}`))?.message);
    assert.equal(messages[8], 'image 8');
    assert.equal(messages[9], '(combined from similar events): image 9');
    assert.equal(messages[11], '(combined from similar events): image 11');
    const combined = correlator.correlate(pulling('image 12'));
    assert.equal(combined?.count, 4);
  });

  it('does not combine what is more than ten minutes apart', async () => {
    const clock = new FakeClock();
    const correlator = new EventCorrelator(clock);
    for (let index = 0; index < 20; index++) {
      assert.equal(correlator.correlate(pulling(`image ${index}`))?.message, `image ${index}`);
      await clock.advance(601_000);
    }
  });

  it('hears 25 events of an object at once, and then one in five minutes', async () => {
    const clock = new FakeClock();
    const correlator = new EventCorrelator(clock);
    const heard = () => correlator.correlate(started) !== undefined;
    assert.equal(Array.from({ length: 40 }, heard).filter(Boolean).length, 25);
    assert.ok(correlator.correlate({ ...started, object: podNumber(2) }), 'another object is heard');
    await clock.advance(299_000);
    assert.equal(heard(), false);
    await clock.advance(1000);
    assert.deepEqual([heard(), heard()], [true, false]);
    assert.equal(correlator.correlate(started)?.count, undefined);
  });

  it('never gives two events one name', () => {
    const correlator = new EventCorrelator(new FakeClock());
    const names = Array.from({ length: 20 }, (_, index) => correlator.correlate(pulling('x', podNumber(index)))?.name);
    const sameObject = Array.from({ length: 5 }, (_, index) => correlator.correlate(pulling(`y${index}`))?.name);
    assert.equal(new Set([...names, ...sameObject]).size, 25);
  });

  it('cuts messages at 1,024 characters', () => {
    const correlator = new EventCorrelator(new FakeClock());
    assert.equal(correlator.correlate(pulling('x'.repeat(5000)))?.message.length, 1024);
  });
});
