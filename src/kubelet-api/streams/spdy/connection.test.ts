import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { systemClock } from '../../../support/clock.ts';
import { seededRandom } from '../../../support/random.ts';
import { socketPair } from '../../testing/socket-pair.ts';
import { SpdyClient } from '../../testing/spdy-client.ts';
import { standingStill, until } from '../../testing/until.ts';
import { SpdyConnection, type SpdyConnectionOptions } from './connection.ts';
import type { SpdyStream } from './stream.ts';

interface Setup {
  readonly client: SpdyClient;
  readonly connection: SpdyConnection;
  readonly streams: SpdyStream[];
  readonly cut: () => boolean;
}

async function setUp(options: Partial<SpdyConnectionOptions> = {}): Promise<Setup> {
  const { client, server } = await socketPair();
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection({
    transport: server,
    maxStreams: 100,
    onStream: (stream) => streams.push(stream),
    onActivity: () => {},
    clock: systemClock,
    ...options,
  });
  return { client: new SpdyClient(client), connection, streams, cut: () => server.destroyed };
}

/** The server's stream that belongs to the one that a client opened last. */
async function latest({ streams }: Setup, count = 1): Promise<SpdyStream> {
  await until(() => streams.length >= count);
  const stream = streams[count - 1];
  assert.ok(stream);
  return stream;
}

async function read(stream: SpdyStream): Promise<string> {
  let text = '';
  stream.on('data', (chunk) => {
    text += chunk;
  });
  await once(stream, 'end');
  return text;
}

describe('a stream', () => {
  test('is replied to, carries bytes both ways and ends in each direction by itself', async () => {
    const headers: Record<string, string>[] = [];
    const streams: SpdyStream[] = [];
    const setup = await setUp({
      onStream: (stream, given) => {
        streams.push(stream);
        headers.push(Object.fromEntries(given));
      },
    });
    const opened = await setup.client.open({ streamtype: 'stdin' });
    setup.client.send(opened, 'hello ');
    setup.client.send(opened, 'you', true);
    const stream = await latest({ ...setup, streams });
    assert.equal(await read(stream), 'hello you');
    stream.write('still ');
    stream.end('there');
    await opened.done();
    assert.equal(opened.text(), 'still there');
    assert.deepEqual(headers, [{ streamtype: 'stdin' }]);
    assert.equal(opened.replied, true);
    await until(() => setup.connection.openStreams === 0);
    setup.connection.destroy();
  });

  test('may be opened with its end', async () => {
    const setup = await setUp();
    await setup.client.open({ streamtype: 'error' }, 1);
    assert.equal(await read(await latest(setup)), '');
    setup.connection.destroy();
  });

  test('that the client resets is destroyed, and its bytes come to nobody', async () => {
    const setup = await setUp();
    const opened = await setup.client.open({});
    const stream = await latest(setup);
    setup.client.reset(opened);
    setup.client.send(opened, 'late');
    await assert.rejects(read(stream), /the client has reset the stream/);
    assert.equal(setup.connection.openStreams, 0);
    assert.equal(opened.reset, false, 'a reset is not answered by another');
    setup.connection.destroy();
  });

  test('that we drop is reset', async () => {
    const setup = await setUp();
    const opened = await setup.client.open({});
    (await latest(setup)).destroy();
    await opened.done();
    assert.equal(opened.reset, true);
    setup.connection.destroy();
  });

  test('that nobody takes is reset', async () => {
    const setup = await setUp({
      onStream: () => {
        throw new Error('no such stream');
      },
    });
    const opened = await setup.client.open({ streamtype: 'nonsense' });
    await opened.done();
    assert.equal(opened.reset, true);
    assert.equal(setup.connection.openStreams, 0);
    setup.connection.destroy();
  });

  test('beyond the limit is refused, and there is room again when one is gone', async () => {
    const setup = await setUp({ maxStreams: 2 });
    const [first, , third] = [await setup.client.open({}), await setup.client.open({}), await setup.client.open({})];
    await third.done();
    assert.deepEqual([third.reset, third.replied], [true, false]);
    setup.client.reset(first);
    const fourth = await setup.client.open({});
    await until(() => fourth.replied);
    setup.connection.destroy();
  });

  test('opened and dropped ten thousand times leaves nothing behind', async () => {
    const streams: SpdyStream[] = [];
    let opened = 0;
    const setup = await setUp({ onStream: () => void opened++ });
    for (let round = 0; round < 10_000; round++) {
      const stream = await setup.client.open({ streamtype: 'data', port: '80', requestid: `${round}` });
      setup.client.send(stream, 'x');
      setup.client.reset(stream);
      setup.client.streams.delete(stream.id);
    }
    await until(() => opened === 10_000 && setup.connection.openStreams === 0);
    assert.equal(streams.length, 0);
    setup.connection.destroy();
  });
});

describe('backpressure', () => {
  const piece = Buffer.alloc(32 * 1024, 'x');

  test('a stream that nobody reads stops the client, and reading lets it go on', async () => {
    const setup = await setUp();
    const opened = await setup.client.open({});
    const stream = await latest(setup);
    let sent = 0;
    let stop = false;
    const sending = (async () => {
      while (!stop) {
        sent += piece.length;
        if (!setup.client.send(opened, piece)) await once(setup.client.transport, 'drain');
      }
      setup.client.end(opened);
    })();
    const before = await standingStill(() => sent);
    assert.ok(stream.readableLength < 512 * 1024, `${stream.readableLength} bytes wait in memory`);
    let read = 0;
    stream.on('data', (chunk: Buffer) => {
      read += chunk.length;
    });
    await until(() => sent > before + 20 * 1024 * 1024);
    stop = true;
    await sending;
    await once(stream, 'end');
    assert.equal(read, sent);
    setup.connection.destroy();
  });

  test('other streams go on below the mark of the one that is behind, and a ping is answered', async () => {
    const setup = await setUp();
    const stuck = await setup.client.open({});
    const free = await setup.client.open({});
    setup.client.send(stuck, Buffer.alloc(200 * 1024));
    setup.client.send(free, 'through', true);
    setup.client.ping(1);
    assert.equal(await read(await latest(setup, 2)), 'through');
    await until(() => setup.client.pings.length === 1);
    setup.connection.destroy();
  });

  test('a client that reads nothing stops who writes', async () => {
    const setup = await setUp();
    const opened = await setup.client.open({});
    await until(() => opened.replied);
    setup.client.transport.pause();
    const stream = await latest(setup);
    let written = 0;
    let stop = false;
    const writing = (async () => {
      while (!stop) {
        written += piece.length;
        if (!stream.write(piece)) await once(stream, 'drain');
      }
      stream.end();
    })();
    const before = await standingStill(() => written);
    setup.client.transport.resume();
    await until(() => written > before + 20 * 1024 * 1024);
    stop = true;
    await writing;
    await opened.done();
    assert.equal(opened.receivedBytes, written);
    setup.connection.destroy();
  });

  test('one huge write is cut into frames, so that streams take turns', async () => {
    const setup = await setUp();
    const [big, small] = [await setup.client.open({}), await setup.client.open({})];
    const order: string[] = [];
    big.on('data', () => order.push('big'));
    small.on('data', () => order.push('small'));
    const [first, second] = [await latest(setup, 1), await latest(setup, 2)];
    first.end(Buffer.alloc(20 * 1024 * 1024, 1));
    second.end('s');
    await Promise.all([big.done(), small.done()]);
    assert.equal(big.receivedBytes, 20 * 1024 * 1024);
    assert.ok(order.indexOf('small') < order.length / 2, `small came ${order.indexOf('small')} of ${order.length}`);
    setup.connection.destroy();
  });
});

describe('the end of a connection', () => {
  test('we say goodbye and everything sent before it arrives', async () => {
    const setup = await setUp();
    const [output, input] = [await setup.client.open({}), await setup.client.open({})];
    const stream = await latest(setup, 1);
    await latest(setup, 2);
    stream.end('the last words');
    // The client sends on, as kubectl does with input that nobody wants.
    for (let sent = 0; sent < 50; sent++) setup.client.send(input, Buffer.alloc(32 * 1024));
    await once(stream, 'finish');
    setup.connection.close();
    await once(setup.client.transport, 'end');
    assert.deepEqual([output.text(), output.ended, output.reset], ['the last words', true, false]);
    assert.equal(input.reset, true);
    assert.equal(setup.client.goAway, true);
    setup.client.transport.end();
    await until(() => setup.cut());
  });

  for (const how of ['end', 'destroy'] as const) {
    test(`when the client is gone (${how}), its streams are destroyed`, async () => {
      const setup = await setUp();
      await setup.client.open({});
      const stream = await latest(setup);
      setup.client.transport[how]();
      await assert.rejects(read(stream), /the client has gone/);
      assert.equal(setup.connection.openStreams, 0);
      await until(() => setup.cut());
    });
  }
});

describe('a client that breaks the protocol is cut off', () => {
  const attacks: Readonly<Record<string, (client: SpdyClient) => Promise<void> | void>> = {
    'by a stream number twice': async (client) => {
      const block = await client.compress(Buffer.alloc(4));
      const again = await client.compress(Buffer.alloc(4));
      client.sendControl(1, Buffer.concat([Buffer.from('00000001000000000000', 'hex'), block]));
      client.sendControl(1, Buffer.concat([Buffer.from('00000001000000000000', 'hex'), again]));
    },
    'by an even stream number': async (client) =>
      client.sendControl(
        1,
        Buffer.concat([Buffer.from('00000002000000000000', 'hex'), await client.compress(Buffer.alloc(4))]),
      ),
    'by headers that are none': (client) => client.sendControl(1, Buffer.from('00000001000000000000ffffffff', 'hex')),
    'by HTTP': (client) => void client.transport.write('GET / HTTP/1.1\r\n\r\n'),
    'by zeros': (client) => void client.transport.write(Buffer.alloc(1000)),
    'by pings whose answers it does not read': (client) => {
      client.transport.pause();
      for (let id = 1; id < 1_000_001; id += 2) client.ping(id);
    },
  };
  for (const [how, attack] of Object.entries(attacks)) {
    test(how, async () => {
      const setup = await setUp();
      await attack(setup.client);
      await until(() => setup.cut());
      assert.equal(setup.connection.openStreams, 0);
    });
  }

  test('by noise, over and over, and nothing worse happens', async () => {
    const random = seededRandom(99);
    for (let round = 0; round < 100; round++) {
      const setup = await setUp();
      await setup.client.open({ streamtype: 'stdin' });
      const noise = Buffer.from(Array.from({ length: 2000 }, () => Math.floor(random() * 256)));
      // Half of it looks like control frames.
      if (random() < 0.5) noise.writeUInt32BE(0x80030000 + Math.floor(random() * 10), 0);
      setup.client.transport.end(noise);
      await until(() => setup.cut());
      assert.equal(setup.connection.openStreams, 0);
    }
  });
});
