import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { waitFor } from '../test/cluster/wait-for.ts';
import { ListedEnding } from '../test/e2e/fargate-ending.ts';
import { cluster, isReady, Stage } from '../test/e2e/harness.ts';
import { KubectlProcess, type Transport, transports } from '../test/e2e/kubectl-process.ts';
import { RealKubelet } from './peers/real-kubelet.ts';

/**
 * How fast bytes go through `kubectl exec` and `kubectl port-forward`, on our node with Podman and on a real kubelet with
 * containerd, in turns, through the same API server. Fails where we are slower on the whole: by the geometric mean of all
 * ratios.
 */
const mebibyte = 2 ** 20;
const bytes = 256 * mebibyte;
const rounds = 3;
const promisedRatio = 1;

/** A pod to get into, and who carries its bytes. */
interface Node {
  readonly pod: string;
  /** Its server in the pod that sends all bytes to whoever connects, and the one that counts what it gets. */
  readonly ports: { readonly source: number; readonly sink: number };
  readonly pids: readonly number[];
}

type Verb = (node: Node, transport: Transport) => Promise<void>;

const ending = new ListedEnding();
try {
  await main();
} finally {
  await ending.come();
}

async function main(): Promise<void> {
  const kubelet = await RealKubelet.start({ progress: (line) => say(`  ${line}`) });
  // Before the stage is cleared: a kubelet ends its pods itself.
  ending.after(() => kubelet.stop());
  const stage = await Stage.set(ending);
  const [ours, peer] = await Promise.all([startOurs(stage), startPeer(stage, kubelet)]);
  const verbs: Readonly<Record<string, Verb>> = {
    'exec, down': (node, transport) => execDown(stage, node, transport),
    'exec, up': (node, transport) => execUp(stage, node, transport),
    'port-forward, down': (node, transport) => forward(stage, node, transport, 'down'),
    'port-forward, up': (node, transport) => forward(stage, node, transport, 'up'),
  };
  say(`| ${bytes / mebibyte} MiB | ours, MiB/s | kubelet, MiB/s | ratio | ours, CPU s/GiB | kubelet, CPU s/GiB |`);
  say('|---|---|---|---|---|---|');
  const ratios: number[] = [];
  for (const transport of transports) {
    for (const [name, verb] of Object.entries(verbs)) {
      const [one, other] = await inTurns(
        () => measure(ours, () => verb(ours, transport)),
        () => measure(peer, () => verb(peer, transport)),
      );
      const ratio = one.mebibytesPerSecond / other.mebibytesPerSecond;
      const figures = [one.mebibytesPerSecond.toFixed(0), other.mebibytesPerSecond.toFixed(0), ratio.toFixed(2)];
      const cpu = [one.cpuSecondsPerGiB.toFixed(1), other.cpuSecondsPerGiB.toFixed(1)];
      say(`| ${name}, over ${transport.name} | ${[...figures, ...cpu].join(' | ')} |`);
      ratios.push(ratio);
    }
  }
  const mean = ratios.reduce((product, ratio) => product * ratio, 1) ** (1 / ratios.length);
  say(`on the whole ${mean.toFixed(2)}, promised ${promisedRatio}`);
  if (mean < promisedRatio) process.exitCode = 1;
}

async function startOurs(stage: Stage): Promise<Node> {
  const node = await stage.startNode();
  const ports = { source: 8101, sink: 8102 };
  await cluster.apply([stage.pod('ours', podSpec(ports))]);
  await stage.untilPod('ours', 'ready', isReady);
  return { pod: 'ours', ports, pids: [node.pid] };
}

async function startPeer(stage: Stage, kubelet: RealKubelet): Promise<Node> {
  const ports = { source: 8201, sink: 8202 };
  const { nodeName } = RealKubelet;
  const placed = { nodeName, nodeSelector: {}, tolerations: [{ operator: 'Exists' }] };
  await cluster.apply([stage.pod('peer', { ...podSpec(ports), ...placed })]);
  await stage.untilPod('peer', 'running', (pod) => pod.status?.containerStatuses?.[0]?.state?.running !== undefined);
  return { pod: 'peer', ports, pids: kubelet.pids };
}

/** In the host's network on both nodes, since the real kubelet has no other. */
function podSpec({ source, sink }: Node['ports']): Record<string, unknown> {
  const script = [
    `nc -ll -p ${source} -e head -c ${bytes} /dev/zero &`,
    // Counts without waiting for the end: containerd's port-forward does not hand that on.
    `nc -ll -p ${sink} -e sh -c 'head -c ${bytes} | wc -c' &`,
    'sleep 1000000',
  ];
  return {
    hostNetwork: true,
    containers: [
      {
        name: 'c',
        image: `${cluster.registryAddress}/docker.io/library/busybox`,
        command: ['sh', '-c', script.join('\n')],
      },
    ],
  };
}

async function execDown(stage: Stage, { pod }: Node, { environment }: Transport): Promise<void> {
  const command = ['exec', pod, '--namespace', stage.namespace, '--', 'head', '-c', `${bytes}`, '/dev/zero'];
  const { child } = new KubectlProcess(command, { environment });
  expectBytes(await count(child.stdout), 'exec');
}

async function execUp(stage: Stage, { pod }: Node, { environment }: Transport): Promise<void> {
  const command = ['exec', '-i', pod, '--namespace', stage.namespace, '--', 'wc', '-c'];
  const { child } = new KubectlProcess(command, { environment });
  const [counted] = await Promise.all([text(child.stdout), send(child.stdin).then(() => child.stdin.end())]);
  expectBytes(Number(counted), 'exec -i');
}

async function forward(
  stage: Stage,
  { pod, ports }: Node,
  { environment }: Transport,
  direction: 'up' | 'down',
): Promise<void> {
  const target = direction === 'down' ? ports.source : ports.sink;
  const command = ['port-forward', `pod/${pod}`, `:${target}`, '--namespace', stage.namespace];
  const forwarding = new KubectlProcess(command, { environment }).listen();
  try {
    await waitFor(async () => forwarding.stdout.includes(`-> ${target}`), {
      what: 'port-forward to listen',
      timeoutMs: 15_000,
      intervalMs: 5,
    });
    const port = Number(/127\.0\.0\.1:(\d+) ->/.exec(forwarding.stdout)?.[1]);
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    if (direction === 'down') {
      expectBytes(await count(socket), 'port-forward');
      socket.end();
    } else {
      const [counted] = await Promise.all([text(socket), send(socket)]);
      expectBytes(Number(counted), 'port-forward');
      socket.end();
    }
  } finally {
    forwarding.child.kill();
    await forwarding.ended();
  }
}

interface Figures {
  readonly mebibytesPerSecond: number;
  readonly cpuSecondsPerGiB: number;
}

/** The start of kubectl and of the command is in it, as it is for who waits for the bytes. */
async function measure({ pids }: Node, run: () => Promise<void>): Promise<Figures> {
  const cpuBefore = cpuSeconds(pids);
  const startedMs = performance.now();
  await run();
  const seconds = (performance.now() - startedMs) / 1000;
  return {
    mebibytesPerSecond: bytes / mebibyte / seconds,
    cpuSecondsPerGiB: ((cpuSeconds(pids) - cpuBefore) * 1024 * mebibyte) / bytes,
  };
}

/** Runs both in turns, so that what else the machine does hits both; gives the median round of each by its speed. */
async function inTurns(
  one: () => Promise<Figures>,
  other: () => Promise<Figures>,
): Promise<readonly [Figures, Figures]> {
  const results: [Figures[], Figures[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    results[0].push(await one());
    results[1].push(await other());
  }
  return [median(results[0]), median(results[1])];
}

function median(figures: readonly Figures[]): Figures {
  const sorted = figures.toSorted((a, b) => a.mebibytesPerSecond - b.mebibytesPerSecond);
  return sorted[Math.floor(sorted.length / 2)] as Figures;
}

async function count(stream: Readable): Promise<number> {
  let counted = 0;
  stream.on('data', (chunk: Buffer) => {
    counted += chunk.length;
  });
  await once(stream, 'end');
  return counted;
}

async function send(stream: Writable): Promise<void> {
  const block = Buffer.alloc(64 * 1024);
  for (let left = bytes; left > 0; left -= block.length) {
    if (!stream.write(block)) await once(stream, 'drain');
  }
}

function expectBytes(counted: number, what: string): void {
  if (counted !== bytes) throw new Error(`${what} carried ${counted} of ${bytes} bytes`);
}

/** User and system time of these processes; the kernel counts in hundredths of a second. */
function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
