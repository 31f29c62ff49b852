import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { leases } from '../apiserver/client.ts';
import type { FakeApiServer } from '../apiserver/testing/fake-api-server.ts';
import { connectClient, startServer } from '../apiserver/testing/test-client.ts';
import type { Lease } from '../kubernetes/objects.ts';
import { until } from '../provider/testing/until.ts';
import { hasCode } from '../support/errors.ts';
import { silentLogger } from '../support/logger.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { NodeLease } from './lease.ts';
import { holderAnnotation, type LeaseHolder } from './lease-holder.ts';

const key = { namespace: 'kube-node-lease', name: 'vk' };
const holder = (id: string, host = id): LeaseHolder => ({ id, host, pid: 7, since: '2026-01-01T00:00:00Z' });

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const server = await startServer(t);
  const client = await connectClient(t, server);
  const stopping = new AbortController();
  t.after(() => stopping.abort());
  const said: string[] = [];
  const log = { ...silentLogger, error: (message: string) => said.push(message) };
  const process = (self: LeaseHolder): NodeLease =>
    new NodeLease({
      nodeName: 'vk',
      client,
      clock,
      log,
      recordEvent: (event) => said.push(event.reason),
      self,
      isAlive: () => true,
      nodeUid: () => 'node-uid',
    });
  /** Moves time while `work` waits for it. */
  const whileTimePasses = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false;
    work.then(
      () => (isDone = true),
      () => (isDone = true),
    );
    await until('the work to end', async () => {
      if (!isDone) await clock.advance(500);
      return isDone;
    });
    return work;
  };
  return { clock, server, process, said, whileTimePasses, stopping, signal: stopping.signal };
}

function stored(server: FakeApiServer): Lease | undefined {
  return server.find(leases, key);
}

test('a lease is taken with the duration and the owner of a kubelet, and renewed every 10 s', async (t) => {
  const { clock, server, process, signal } = await setUp(t);
  const lease = process(holder('a'));
  await lease.claim(signal);
  const first = stored(server);
  assert.equal(first?.spec?.holderIdentity, 'vk');
  assert.equal(first?.spec?.leaseDurationSeconds, 40);
  assert.deepEqual(first?.metadata?.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: 'vk', uid: 'node-uid' }]);
  assert.match(first?.spec?.renewTime ?? '', /\.\d{6}Z$/);
  void lease.run(signal);
  for (let round = 1; round <= 3; round++) {
    await until(
      'renewal',
      () => server.requests.filter(({ method, code }) => method === 'PUT' && code).length === round,
    );
    await clock.advance(10_000);
  }
});

test('a lease that somebody deletes is there again after the next renewal', async (t) => {
  const { clock, server, process, signal } = await setUp(t);
  const lease = process(holder('a'));
  await lease.claim(signal);
  server.remove(leases, key);
  void lease.run(signal);
  await until('the lease', () => stored(server));
  await clock.advance(0);
});

test('what others write on the lease survives', async (t) => {
  const { server, process, signal } = await setUp(t);
  const lease = process(holder('a'));
  await lease.claim(signal);
  server.patch(leases, key, { metadata: { annotations: { note: 'kept' } } });
  void lease.run(signal);
  await until('renewal', () => server.requests.some(({ method, code }) => method === 'PUT' && code === 200));
  assert.equal(stored(server)?.metadata?.annotations?.['note'], 'kept');
});

test('a name that another living process has is refused, within two renewals of it', async (t) => {
  const { process, signal, whileTimePasses } = await setUp(t);
  const first = process(holder('a'));
  await first.claim(signal);
  void first.run(signal);
  await assert.rejects(
    whileTimePasses(process(holder('b')).claim(signal)),
    (error) => hasCode(error, 'AlreadyExists') && /vk is taken.*process 7 on a/.test(error.message),
  );
});

test('a lease that vanishes while its holder is watched is not taken for free', async (t) => {
  const { server, process, signal, whileTimePasses } = await setUp(t);
  const first = process(holder('a'));
  await first.claim(signal);
  const claiming = process(holder('b')).claim(signal);
  await until('the first look', () => server.requests.filter(({ method }) => method === 'GET').length >= 2);
  server.remove(leases, key);
  void first.run(signal);
  await assert.rejects(whileTimePasses(claiming), (error) => hasCode(error, 'AlreadyExists'));
});

test('a holder elsewhere that renews no more is waited for, 15 s and no longer', async (t) => {
  const { clock, process, signal, whileTimePasses } = await setUp(t);
  await process(holder('a')).claim(signal);
  const startedMs = clock.now();
  await whileTimePasses(process(holder('b')).claim(signal));
  assert.ok(clock.now() - startedMs >= 15_000 && clock.now() - startedMs < 20_000);
});

test('a lease that was let go is taken at once', async (t) => {
  const { clock, process, signal } = await setUp(t);
  const first = process(holder('a'));
  await first.claim(signal);
  await first.release(signal);
  const startedMs = clock.now();
  await process(holder('b')).claim(signal);
  assert.equal(clock.now(), startedMs);
});

test('two processes of one name that run already are told of each other, once', async (t) => {
  const { clock, server, process, said, signal } = await setUp(t);
  const [first, second] = [process(holder('a')), process(holder('b'))];
  await first.claim(signal);
  void first.run(signal);
  void second.run(signal);
  await until('both say it', async () => {
    await clock.advance(1000);
    return said.filter((line) => line === 'NodeNameTaken').length >= 2;
  });
  await clock.advance(60_000);
  await until('all renewals', () => server.requests.every(({ code }) => code !== undefined));
  assert.deepEqual(
    said.filter((line) => line !== 'NodeNameTaken').map((line) => line.slice(0, 29)),
    ['Two processes are node vk: pr', 'Two processes are node vk: pr'],
  );
});

test('a kubelet that renews our lease is noticed though it does not say who it is', async (t) => {
  const { clock, server, process, said, signal } = await setUp(t);
  const lease = process(holder('a'));
  await lease.claim(signal);
  void lease.run(signal);
  await until('renewal', () => server.requests.some(({ method, code }) => method === 'PUT' && code === 200));
  server.patch(leases, key, { spec: { renewTime: '2026-01-01T00:00:03.000000Z' } });
  await until('it is said', async () => {
    await clock.advance(10_000);
    return said.includes('NodeNameTaken');
  });
});

test('a renewal whose answer is lost is no other process', async (t) => {
  const { clock, server, process, said, signal } = await setUp(t);
  const lease = process(holder('a'));
  await lease.claim(signal);
  server.fail({ fault: { kind: 'cut', when: 'after' }, matches: ({ method }) => method === 'PUT', times: 2 });
  void lease.run(signal);
  await until('a renewal after it', async () => {
    await clock.advance(2000);
    return server.requests.filter(({ method, code }) => method === 'PUT' && code === 200).length >= 1;
  });
  assert.deepEqual(said, []);
  assert.ok(stored(server)?.metadata?.annotations?.[holderAnnotation]?.includes('"a"'));
});

test('a renewal whose answer is lost is no other process, though others fail after it', async (t) => {
  const { clock, server, process, said, signal } = await setUp(t);
  const lease = process(holder('a'));
  await lease.claim(signal);
  server.fail({ fault: { kind: 'cut', when: 'after' }, matches: ({ method }) => method === 'PUT', times: 1 });
  server.fail({ fault: { kind: 'cut', when: 'before' }, matches: ({ method }) => method === 'PUT', times: 3 });
  void lease.run(signal);
  await until('a renewal after it', async () => {
    await clock.advance(2000);
    return server.requests.filter(({ method, code }) => method === 'PUT' && code === 200).length >= 1;
  });
  assert.deepEqual(said, []);
  assert.ok(stored(server)?.metadata?.annotations?.[holderAnnotation]?.includes('"a"'));
});
