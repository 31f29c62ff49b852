import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import type { Logger } from '../support/logger.ts';
import { type Random, seededRandom } from '../support/random.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { pods } from './client.ts';
import { Informer } from './informer.ts';
import type { FakeApiServer } from './testing/fake-api-server.ts';
import { connectClient, startServer } from './testing/test-client.ts';
import { advanceUntil, waitFor } from './testing/wait-for.ts';

const pod = (name: string, labels: Record<string, string> = {}, nodeName = 'vk') => ({
  metadata: { namespace: 'default', name, labels },
  spec: { nodeName, containers: [] },
});
const key = (name: string) => ({ namespace: 'default', name });

function recordingLog() {
  const lines: string[] = [];
  const write = (message: string) => void lines.push(message);
  const log: Logger = { debug: write, info: write, warn: write, error: write, with: () => log };
  return { log, lines };
}

async function setUp(t: TestContext, options: { historyLimit?: number } = {}) {
  const clock = new FakeClock();
  const server = await startServer(t, { clock, ...options });
  const client = await connectClient(t, server, { clock });
  const { log, lines } = recordingLog();
  const stop = new AbortController();
  const informer = new Informer(pods, { fieldSelector: 'spec.nodeName=vk' }, { client, clock, random: () => 0, log });
  const news: string[] = [];
  const nameOf = ({ metadata }: Pod) => metadata?.name;
  informer.addHandler({
    added: (object) => void news.push(`added ${nameOf(object)}`),
    updated: (object, previous) => {
      assert.equal(object.metadata?.uid, previous.metadata?.uid);
      news.push(`updated ${nameOf(object)}`);
    },
    deleted: (object) => void news.push(`deleted ${nameOf(object)}`),
  });
  const start = async () => {
    const done = informer.run(stop.signal);
    t.after(async () => {
      stop.abort();
      await done;
    });
    await informer.synced;
    await waitFor('a watch', () => server.openWatches === 1 && informer.state.kind === 'watching');
  };
  return { clock, server, informer, news, lines, stop, start };
}

const lists = (server: FakeApiServer) =>
  server.requests.filter(({ path, isWatch }) => path.endsWith('/pods') && !isWatch);

describe('Informer', () => {
  it('holds what matches, trimmed of managedFields, before it says that it has synced', async (t) => {
    const { server, informer, news, start } = await setUp(t);
    server.put(pods, pod('a'));
    server.put(pods, pod('b', {}, 'other'));
    assert.equal(informer.hasSynced, false);
    assert.equal(informer.state.kind, 'starting');
    await start();
    assert.equal(informer.hasSynced, true);
    assert.deepEqual(news, ['added a']);
    const found = informer.store.get(key('a'));
    assert.equal(found?.metadata?.managedFields, undefined);
    assert.deepEqual([found?.kind, found?.apiVersion], ['Pod', 'v1']);
  });

  it('reads lists of many pages', async (t) => {
    const { server, informer, start } = await setUp(t);
    for (let index = 0; index < 1201; index++) server.put(pods, pod(`p${index}`));
    await start();
    assert.equal(informer.store.size, 1201);
    assert.equal(lists(server).length, 3);
  });

  it('tells of additions, changes and deletions, and of a pod that leaves the node', async (t) => {
    const { server, informer, news, start } = await setUp(t);
    await start();
    server.put(pods, pod('a'));
    server.put(pods, pod('a', { x: 'y' }));
    server.put(pods, pod('b'));
    server.remove(pods, key('a'), { gracePeriodSeconds: 0 });
    server.put(pods, pod('a'));
    server.patch(pods, key('b'), { spec: { nodeName: 'other' } });
    await waitFor('all news', () => news.length === 6);
    assert.deepEqual(news, ['added a', 'updated a', 'added b', 'deleted a', 'added a', 'deleted b']);
    assert.equal(informer.store.size, 1);
  });

  it('resumes a watch that ended or was cut without listing again, missing nothing', async (t) => {
    const { clock, server, news, start } = await setUp(t);
    await start();
    server.endWatches();
    await waitFor('end', () => server.openWatches === 0);
    server.put(pods, pod('a'));
    await advanceUntil(clock, 'a', () => news.length === 1);
    server.cutConnections();
    server.put(pods, pod('b'));
    await advanceUntil(clock, 'b', () => news.length === 2);
    assert.equal(lists(server).length, 1);
  });

  it('sees what was created while its watch was frozen within a minute', async (t) => {
    const { clock, server, news, start } = await setUp(t);
    await start();
    server.freezeOpenConnections();
    server.put(pods, pod('a'));
    const frozenAtMs = clock.now();
    await advanceUntil(clock, 'a', () => news.length === 1);
    assert.ok(clock.now() - frozenAtMs <= 60_000);
    assert.equal(lists(server).length, 1);
  });

  it('lists again after 410, and deletes what has vanished meanwhile', async (t) => {
    const { clock, server, informer, news, start } = await setUp(t);
    for (const name of ['kept', 'changed', 'gone', 'reborn']) server.put(pods, pod(name));
    await start();
    news.length = 0;
    server.freezeOpenConnections();
    server.patch(pods, key('changed'), { metadata: { labels: { a: 'b' } } });
    for (const name of ['gone', 'reborn']) server.remove(pods, key(name), { gracePeriodSeconds: 0 });
    server.put(pods, pod('reborn'));
    server.put(pods, pod('new'));
    server.compact();
    await advanceUntil(clock, 'all news', () => news.length === 5);
    assert.deepEqual(news.toSorted(), [
      'added new',
      'added reborn',
      'deleted gone',
      'deleted reborn',
      'updated changed',
    ]);
    assert.equal(informer.store.size, 4);
    assert.equal(lists(server).length, 2);
  });

  it('stays fresh by bookmarks while others change much', async (t) => {
    const { clock, server, news, start } = await setUp(t, { historyLimit: 10 });
    await start();
    for (let index = 0; index < 100; index++) server.put(pods, pod(`other-${index}`, {}, 'other'));
    server.sendBookmarks();
    await clock.advance(0);
    server.cutConnections();
    await waitFor('end', () => server.openWatches === 0);
    server.put(pods, pod('a'));
    await advanceUntil(clock, 'a', () => news.length === 1);
    assert.equal(lists(server).length, 1);
  });

  it('lists again where its version is newer than all the API server has, as after a restore of etcd', async (t) => {
    const { clock, server, stop } = await setUp(t);
    server.put(pods, pod('a'));
    const client = await connectClient(t, server, { clock });
    const list = client.list.bind(client);
    let version: string | undefined = '900000000';
    client.list = async (resource, options) => {
      const answer = await list(resource, options);
      const resourceVersion = version ?? answer.metadata.resourceVersion;
      version = undefined;
      return { ...answer, metadata: { ...answer.metadata, resourceVersion } };
    };
    const restored = new Informer(pods, {}, { client, clock, random: () => 0, log: recordingLog().log });
    const done = restored.run(stop.signal);
    await restored.synced;
    server.put(pods, pod('b'));
    await advanceUntil(clock, 'b', () => restored.store.size === 2);
    stop.abort();
    await done;
  });

  it('begins a list anew, in one piece, whose pages have grown too old', async (t) => {
    const { clock, server, informer, stop } = await setUp(t);
    for (let index = 0; index < 600; index++) server.put(pods, pod(`p${index}`));
    server.fail({ fault: { kind: 'status', code: 410 }, matches: ({ query }) => query['continue'] !== undefined });
    const done = informer.run(stop.signal);
    await advanceUntil(clock, 'sync', () => informer.hasSynced);
    assert.equal(informer.store.size, 600);
    assert.deepEqual(
      lists(server).map(({ query }) => query['limit']),
      ['500', '500', undefined],
    );
    stop.abort();
    await done;
  });

  it('says an error once, for how long it has failed in its state, and when it is over', async (t) => {
    const { clock, server, informer, lines, start } = await setUp(t);
    await start();
    server.fail({ fault: { kind: 'status', code: 503 }, times: 4 });
    server.cutConnections();
    await advanceUntil(clock, 'failing', () => informer.state.kind === 'failing');
    const { state } = informer;
    assert.ok(state.kind === 'failing' && state.sinceMs <= clock.now());
    await advanceUntil(clock, 'watching', () => informer.state.kind === 'watching');
    assert.deepEqual(lines, [
      'Cannot watch pods; trying again',
      'Cannot watch pods; trying again',
      'Watching pods again',
    ]);
  });

  it('waits longer after each failure, up to ten seconds, and as long as it is asked to', async (t) => {
    const { clock, server, informer, stop } = await setUp(t);
    const timesMs: number[] = [];
    server.fail({
      fault: { kind: 'status', code: 500 },
      times: 8,
      matches: () => timesMs.push(clock.now()) > 0,
    });
    const done = informer.run(stop.signal);
    await advanceUntil(clock, 'sync', () => informer.hasSynced);
    const waitsMs = timesMs.slice(1).map((atMs, index) => atMs - (timesMs[index] ?? 0));
    for (const [index, expectedMs] of [500, 1000, 2000, 4000, 8000, 10_000, 10_000].entries()) {
      const waitMs = waitsMs[index] ?? 0;
      assert.ok(waitMs >= expectedMs && waitMs <= expectedMs + 5000, `${waitMs} for ${expectedMs}`);
    }
    stop.abort();
    await done;
  });

  it('does not open watches without a pause where each is ended at once', async (t) => {
    const { clock, server, informer, start } = await setUp(t);
    await start();
    const before = server.requests.length;
    const stopEnding = new AbortController();
    const ending = (async () => {
      while (!stopEnding.signal.aborted) {
        server.endWatches();
        await clock.advance(50);
      }
    })();
    await waitFor('failing', () => informer.state.kind === 'failing');
    await waitFor('20 s', () => server.requests.length > before + 8);
    stopEnding.abort();
    await ending;
    assert.ok(clock.now() - Date.parse('2026-01-01T00:00:00Z') > 10_000);
  });

  it('goes on when a handler throws, and tells a late handler of what there is', async (t) => {
    const { server, informer, news, lines, start } = await setUp(t);
    informer.addHandler({
      added: () => {
        throw new Error('broken');
      },
    });
    server.put(pods, pod('a'));
    await start();
    assert.deepEqual(news, ['added a']);
    assert.equal(lines.length, 1);
    const late: string[] = [];
    informer.addHandler({ added: ({ metadata }) => void late.push(metadata?.name ?? '') });
    assert.deepEqual(late, ['a']);
  });

  it('ends when aborted, and says so to who waits for it to sync', async (t) => {
    const { server, informer, stop } = await setUp(t);
    server.fail({ fault: { kind: 'hang' } });
    const done = informer.run(stop.signal);
    const rejected = assert.rejects(informer.synced, (error) => error === stop.signal.reason);
    stop.abort();
    await done;
    await rejected;
  });

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`equals the API server after any faults, with true news (seed ${seed})`, async (t) => {
      const random = seededRandom(seed);
      const { clock, server, informer, start } = await setUp(t, { historyLimit: 20 });
      const told = new Map<string, string | undefined>();
      const idOf = ({ metadata }: Pod) => `${metadata?.name} ${metadata?.uid}`;
      informer.addHandler({
        added: (object) => {
          assert.ok(!told.has(idOf(object)), `${idOf(object)} is added twice`);
          told.set(idOf(object), object.metadata?.resourceVersion);
        },
        updated: (object) => {
          assert.ok(told.has(idOf(object)), `${idOf(object)} is updated unknown`);
          told.set(idOf(object), object.metadata?.resourceVersion);
        },
        deleted: (object) => assert.ok(told.delete(idOf(object)), `${idOf(object)} is deleted unknown`),
      });
      await start();
      for (let step = 0; step < 150; step++) {
        change(server, random);
        if (random() < 0.25) disturb(server, random);
        if (random() < 0.5) await clock.advance(random() * 3000);
      }
      server.clearFaults();
      server.thaw();
      const expected = () =>
        new Map(
          server
            .list(pods)
            .filter(({ spec }) => spec?.nodeName === 'vk')
            .map((object) => [idOf(object), object.metadata?.resourceVersion]),
        );
      const isEqual = (seen: ReadonlyMap<string, string | undefined>) => {
        const wanted = expected();
        return seen.size === wanted.size && [...wanted].every(([id, version]) => seen.get(id) === version);
      };
      await advanceUntil(clock, 'equality', () => isEqual(told));
      assert.ok(
        isEqual(
          new Map([...informer.store.values()].map((object) => [idOf(object), object.metadata?.resourceVersion])),
        ),
      );
    });
  }
});

function change(server: FakeApiServer, random: Random): void {
  const name = `p${Math.floor(random() * 12)}`;
  const present = server.find(pods, key(name));
  if (present === undefined) server.put(pods, pod(name, {}, random() < 0.8 ? 'vk' : 'other'));
  else if (random() < 0.3) server.remove(pods, key(name), { gracePeriodSeconds: 0 });
  else if (random() < 0.2) server.patch(pods, key(name), { spec: { nodeName: random() < 0.5 ? 'vk' : 'other' } });
  else server.patch(pods, key(name), { metadata: { labels: { x: String(random()) } } });
}

function disturb(server: FakeApiServer, random: Random): void {
  const faults = [
    () => server.cutConnections(),
    () => server.freezeOpenConnections(),
    () => server.freeze(),
    () => server.thaw(),
    () => server.thaw(),
    () => server.compact(),
    () => server.endWatches(),
    () => server.failWatches(random() < 0.5 ? 410 : 500, 'Expired'),
    () => server.sendBookmarks(),
    () => server.fail({ fault: { kind: 'status', code: 429, retryAfterSeconds: 1 } }),
    () => server.fail({ fault: { kind: 'status', code: 503 }, times: 2 }),
    () => server.fail({ fault: { kind: 'status', code: 410 } }),
    () => server.fail({ fault: { kind: 'cut', when: 'after' } }),
    () => server.fail({ fault: { kind: 'hang' } }),
  ];
  faults[Math.floor(random() * faults.length)]?.();
}
