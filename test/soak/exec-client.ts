import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';

/**
 * `exec-client.ts <namespace> <pod> <command>…`: `kubectl exec -i` over v5.channel.k8s.io, with all the patience there is:
 * kubectl itself gives up 61 s after the last pong that it has read, and reads none while nobody reads from it.
 */
const [namespace, pod, ...command] = process.argv.slice(2);

/** What our test clusters write; see test/cluster/kubeconfig.ts. */
interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: Readonly<Record<string, string>> }];
  readonly users: readonly [{ readonly user: Readonly<Record<string, string>> }];
}

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;

function connect(): WebSocket {
  const { clusters, users } = JSON.parse(readFileSync(process.env['KUBECONFIG'] ?? '', 'utf8')) as Kubeconfig;
  const [{ cluster }, { user }] = [clusters[0], users[0]];
  const file = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');
  const query = new URLSearchParams([
    ...['stdin', 'stdout', 'stderr'].map((name) => [name, 'true']),
    ...command.map((word) => ['command', word]),
  ]);
  const url = `${cluster['server']}/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
  return new WebSocket(url.replace(/^https/, 'wss'), 'v5.channel.k8s.io', {
    ca: file(cluster['certificate-authority-data']),
    cert: file(user['client-certificate-data']),
    key: file(user['client-key-data']),
  });
}

const socket = connect();
socket.on('message', (data: Buffer) => {
  const [channel, content] = [data[0], data.subarray(1)];
  if (channel === channels.error) {
    const { status, message } = JSON.parse(content.toString()) as { status: string; message?: string };
    if (status !== 'Success') process.stderr.write(`${message}\n`);
    process.exitCode = status === 'Success' ? 0 : 1;
  }
  if (channel !== channels.stdout || process.stdout.write(content)) return;
  socket.pause();
  process.stdout.once('drain', () => socket.resume());
});
await once(socket, 'open');
for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
  await new Promise<void>((resolve, reject) =>
    socket.send(Buffer.concat([Buffer.of(channels.stdin), chunk]), (error) => (error ? reject(error) : resolve())),
  );
}
socket.send(Buffer.of(channels.close, channels.stdin));
await once(socket, 'close');
