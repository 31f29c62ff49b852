import { connect as connectTcp, type Socket } from 'node:net';
import { connect, createSecureContext } from 'node:tls';

/**
 * A stranger in a process of its own (`hostile-flood.ts tcp|tls <port> <connections>`): keeps so many connections open
 * that say nothing, each opened anew as soon as it is cut. Says with each message it gets how many it has opened.
 */
const [kind, port, connections] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const secureContext = createSecureContext();
let opened = 0;

function open(): void {
  const socket: Socket =
    kind === 'tls'
      ? connect({ host: '127.0.0.1', port, rejectUnauthorized: false, secureContext })
      : connectTcp({ host: '127.0.0.1', port });
  socket.once('connect', () => opened++);
  socket.on('error', () => {}).resume();
  // Not in the same breath, or a refusal would come before the process hears anything else.
  socket.once('close', () => setImmediate(open));
}

for (let number = 0; number < connections; number++) open();
process.on('message', () => process.send?.(opened));
process.once('disconnect', () => process.exit());
