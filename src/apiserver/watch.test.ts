import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import { hasCode } from '../support/errors.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import type { KubernetesApiClient } from './api-client.ts';
import { pods, type WatchEvent } from './client.ts';
import { connectClient, startServer } from './testing/test-client.ts';
import { waitFor } from './testing/wait-for.ts';

const pod = (name: string, more: object = {}) => ({
  metadata: { namespace: 'default', name },
  spec: { nodeName: 'vk', containers: [] },
  ...more,
});

interface Following {
  readonly events: WatchEvent<Pod>[];
  readonly names: () => string[];
  /** Undefined while it runs, 'ended' or what it threw. */
  outcome: unknown;
  isOpen: boolean;
}

function follow(client: KubernetesApiClient, resourceVersion: string, signal: AbortSignal): Following {
  const following: Following = {
    events: [],
    names: () =>
      following.events.map((event) => (event.type === 'BOOKMARK' ? 'bookmark' : (event.object.metadata?.name ?? ''))),
    outcome: undefined,
    isOpen: false,
  };
  const onOpen = () => {
    following.isOpen = true;
  };
  const run = async () => {
    for await (const event of client.watch(pods, { resourceVersion, signal, onOpen })) following.events.push(event);
    return 'ended';
  };
  run().then(
    (outcome) => {
      following.outcome = outcome;
    },
    (error) => {
      following.outcome = error;
    },
  );
  return following;
}

async function setUp(t: TestContext) {
  const clock = new FakeClock();
  const server = await startServer(t, { clock, bookmarkIntervalMs: 1e9 });
  const client = await connectClient(t, server, { clock });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const { metadata } = server.put(pods, pod('first'));
  const watch = (version = metadata?.resourceVersion ?? '') => follow(client, version, stop.signal);
  return { clock, server, client, stop, watch };
}

describe('a watch', () => {
  it('gives events in order, large and with any character, bookmarks among them', async (t) => {
    const { server, watch } = await setUp(t);
    const following = watch();
    await waitFor('open', () => following.isOpen);
    const text = '€😀'.repeat(100_000);
    for (let index = 0; index < 20; index++) {
      server.put(
        pods,
        pod(`p${index}`, { metadata: { namespace: 'default', name: `p${index}`, annotations: { text } } }),
      );
    }
    server.sendBookmarks();
    await waitFor('all events', () => following.events.length === 21);
    assert.deepEqual(following.names(), [...Array.from({ length: 20 }, (_, index) => `p${index}`), 'bookmark']);
    const last = following.events[19];
    assert.ok(last?.type === 'ADDED' && last.object.metadata?.annotations?.['text'] === text);
  });

  it('asks for bookmarks and for an end after 30 to 40 seconds, and ends then', async (t) => {
    const { clock, server, watch } = await setUp(t);
    const following = watch();
    await waitFor('open', () => following.isOpen);
    const { query } = server.requests.at(-1) ?? {};
    assert.equal(query?.['allowWatchBookmarks'], 'true');
    const seconds = Number(query?.['timeoutSeconds']);
    assert.ok(seconds >= 30 && seconds <= 40);
    await clock.advance(seconds * 1000);
    await waitFor('end', () => following.outcome !== undefined);
    assert.equal(following.outcome, 'ended');
  });

  it('notices within 45 seconds that no byte passes any more', async (t) => {
    const { clock, server, watch } = await setUp(t);
    const following = watch();
    await waitFor('open', () => following.isOpen);
    server.freezeOpenConnections();
    server.put(pods, pod('unseen'));
    await clock.advance(45_000);
    await waitFor('end', () => following.outcome !== undefined);
    assert.ok(hasCode(following.outcome, 'Unavailable'));
    assert.match(String(following.outcome), /silent/);
    assert.deepEqual(following.events, []);
  });

  it('gives up after 15 seconds where it is not even let in', async (t) => {
    const { clock, server, watch } = await setUp(t);
    server.freeze();
    const following = watch();
    await waitFor('request', () => server.requests.length === 1);
    await clock.advance(15_000);
    await waitFor('end', () => following.outcome !== undefined);
    assert.ok(hasCode(following.outcome, 'Unavailable'));
    assert.equal(following.isOpen, false);
  });

  it('does not take a slow reader for a silent server', async (t) => {
    const { clock, server, client, stop } = await setUp(t);
    let isReading = false;
    let goOn = () => {};
    const seen: string[] = [];
    const reading = (async () => {
      const version = server.list(pods)[0]?.metadata?.resourceVersion ?? '';
      for await (const event of client.watch(pods, { resourceVersion: version, signal: stop.signal })) {
        if (event.type !== 'BOOKMARK') seen.push(event.object.metadata?.name ?? '');
        isReading = true;
        if (seen.length === 1) await new Promise<void>((resolve) => (goOn = resolve));
      }
    })();
    await waitFor('open', () => server.openWatches === 1);
    server.put(pods, pod('a'));
    await waitFor('reading', () => isReading);
    server.put(pods, pod('b'));
    await clock.advance(200_000);
    goOn();
    await reading;
    assert.deepEqual(seen, ['a', 'b']);
  });

  it('throws Gone for a version that is too old, and for an ERROR event that says so', async (t) => {
    const { server, watch } = await setUp(t);
    const running = watch();
    await waitFor('open', () => running.isOpen);
    server.failWatches(410, 'Expired');
    await waitFor('end', () => running.outcome !== undefined);
    assert.ok(hasCode(running.outcome, 'Gone'));
    server.compact();
    const late = watch('1');
    await waitFor('end', () => late.outcome !== undefined);
    assert.ok(hasCode(late.outcome, 'Gone'));
  });

  it('throws Unavailable when cut, and the reason when aborted', async (t) => {
    const { server, stop, watch } = await setUp(t);
    const cut = watch();
    await waitFor('open', () => cut.isOpen);
    server.cutConnections();
    await waitFor('end', () => cut.outcome !== undefined);
    assert.ok(hasCode(cut.outcome, 'Unavailable'));
    const aborted = watch();
    await waitFor('open', () => aborted.isOpen);
    stop.abort();
    await waitFor('end', () => aborted.outcome !== undefined);
    assert.equal(aborted.outcome, stop.signal.reason);
    await waitFor('the connection to be closed', () => server.openWatches === 0);
  });

  it('says what the API server has against it', async (t) => {
    const { server, watch } = await setUp(t);
    server.fail({ fault: { kind: 'status', code: 429, retryAfterSeconds: 7 } });
    const following = watch();
    await waitFor('end', () => following.outcome !== undefined);
    assert.ok(hasCode(following.outcome, 'Throttled') && following.outcome.retryAfterMs === 7000);
  });

  it('leaves no timer behind', async (t) => {
    const { clock, server, stop, watch } = await setUp(t);
    const following = watch();
    await waitFor('open', () => following.isOpen);
    stop.abort();
    await waitFor('end', () => following.outcome !== undefined && server.openWatches === 0);
    assert.equal(clock.pending, 0);
  });
});
