import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Strangers } from './strangers.ts';

describe('strangers, three at most', () => {
  const [crowd, single] = ['127.0.0.1', '127.0.0.2'];
  const server: Server = createServer();
  const clients: Socket[] = [];
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    for (const client of clients) client.destroy();
    server.close();
  });

  /** A connection from this address, as the server has it. */
  async function accepted(localAddress: string): Promise<Socket> {
    const { port } = server.address() as AddressInfo;
    clients.push(connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {}));
    const [socket] = (await once(server, 'connection')) as [Socket];
    return socket.on('error', () => {});
  }

  const table: readonly {
    readonly name: string;
    readonly from: readonly string[];
    readonly released?: number;
    readonly cut: readonly number[];
  }[] = [
    { name: 'as many as may be are left alone', from: [crowd, crowd, single], cut: [] },
    { name: 'the oldest goes for one too many', from: [crowd, crowd, crowd, crowd, crowd], cut: [0, 1] },
    { name: 'the one of another address stays, though older', from: [single, crowd, crowd, crowd, crowd], cut: [1, 2] },
    { name: 'a newcomer from elsewhere gets in', from: [crowd, crowd, crowd, single], cut: [0] },
    {
      name: 'who has proved itself neither counts nor goes',
      from: [crowd, crowd, crowd, crowd, crowd],
      released: 0,
      cut: [1],
    },
  ];
  for (const { name, from, released, cut } of table) {
    test(name, async () => {
      const strangers = new Strangers(3);
      const sockets: Socket[] = [];
      for (const [index, address] of from.entries()) {
        const socket = await accepted(address);
        sockets.push(socket);
        const cutBefore = sockets.filter(({ destroyed }) => destroyed).length;
        const told = strangers.add(socket);
        assert.equal(told, sockets.filter(({ destroyed }) => destroyed).length > cutBefore);
        if (index === released) strangers.release(socket);
      }
      assert.deepEqual(
        sockets.flatMap(({ destroyed }, index) => (destroyed ? [index] : [])),
        cut,
      );
    });
  }

  test('one that closes by itself makes room', async () => {
    const strangers = new Strangers(3);
    const sockets = [await accepted(crowd), await accepted(crowd), await accepted(crowd)];
    for (const socket of sockets) strangers.add(socket);
    sockets[1]?.destroy();
    await once(sockets[1] as Socket, 'close');
    assert.equal(strangers.add(await accepted(crowd)), false);
  });
});
