import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, isReady, kubectl, Stage } from './harness.ts';

interface Filesystem {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly usedBytes: number;
}

interface Summary {
  readonly node: {
    readonly nodeName: string;
    readonly cpu?: object;
    readonly memory?: { readonly availableBytes: number };
    readonly systemContainers?: readonly { readonly name: string; readonly memory: { readonly rssBytes: number } }[];
    readonly fs?: Filesystem;
    readonly runtime?: { readonly imageFs?: Filesystem };
  };
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly process_stats?: { readonly process_count: number };
    readonly network?: { readonly name: string; readonly rxBytes: number };
    readonly containers: readonly {
      readonly name: string;
      readonly cpu: { readonly usageNanoCores?: number; readonly usageCoreNanoSeconds: number };
      readonly memory: { readonly workingSetBytes: number; readonly rssBytes: number };
      readonly logs?: { readonly usedBytes: number };
      readonly rootfs?: Filesystem & { readonly inodesUsed: number };
    }[];
    readonly volume?: readonly (Filesystem & { readonly name: string })[];
    readonly 'ephemeral-storage'?: { readonly usedBytes: number };
  }[];
}

test('the node tells what its pods use', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const raw = (path: string): Promise<string> =>
    kubectl('get', '--raw', `/api/v1/nodes/${stage.nodeName}/proxy/${path}`);
  const idle = await raw('metrics/resource');
  for (const name of ['node_cpu_usage_seconds_total', 'node_memory_working_set_bytes']) {
    // A metrics-server leaves out a node that has none.
    assert.match(idle, new RegExp(`^${name} (?!0 )[\\d.e+-]+ \\d+$`, 'm'), 'a node without pods uses something');
  }
  await cluster.apply([
    stage.pod('busy', {
      containers: [
        {
          name: 'cpu',
          image: 'busybox',
          command: ['sh', '-c', 'echo a line; while true; do :; done'],
          resources: { limits: { cpu: '200m' } },
        },
        {
          name: 'disk',
          image: 'busybox',
          command: [
            'sh',
            '-c',
            'head -c 3000000 /dev/zero >/own; head -c 2000000 /dev/zero >/scratch/more; sleep 100000',
          ],
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        },
        // Held in a variable of a shell that is not replaced by its last command: some 20 MiB of memory of its own.
        {
          name: 'memory',
          image: 'busybox',
          command: ['sh', '-c', 'x=$(head -c 20000000 /dev/zero | tr "\\0" x); sleep 100000; true'],
        },
      ],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    }),
  ]);
  await stage.untilPod('busy', 'ready', isReady);
  const busy = (summary: Summary) =>
    summary.pods.find(({ podRef }) => podRef.namespace === stage.namespace && podRef.name === 'busy');
  const container = (summary: Summary, name: string) => busy(summary)?.containers.find((each) => each.name === name);
  const summary = await waitFor(
    async () => {
      const read = JSON.parse(await raw('stats/summary')) as Summary;
      const isKnown = (container(read, 'cpu')?.cpu.usageNanoCores ?? 0) > 0;
      // Logs are looked at every ten seconds.
      const isLogKnown = (container(read, 'cpu')?.logs?.usedBytes ?? 0) > 'a line'.length;
      // Disks likewise.
      const areDisksKnown = (container(read, 'disk')?.rootfs?.usedBytes ?? 0) >= 3e6;
      return isKnown && isLogKnown && areDisksKnown && (container(read, 'memory')?.memory.rssBytes ?? 0) > 15e6 && read;
    },
    { what: 'rates in /stats/summary, a log and sizes of disks', timeoutMs: 40_000, intervalMs: 1500 },
  );
  assert.equal(summary.node.nodeName, stage.nodeName);
  assert.ok(summary.node.cpu && (summary.node.memory?.availableBytes ?? 0) > 0);
  const [us] = summary.node.systemContainers ?? [];
  assert.ok(us?.name === 'kubelet' && us.memory.rssBytes > 20e6, JSON.stringify(us));
  for (const fs of [summary.node.fs, summary.node.runtime?.imageFs]) {
    assert.ok(fs && fs.usedBytes > 0 && fs.usedBytes + fs.availableBytes <= fs.capacityBytes, JSON.stringify(fs));
  }
  const rate = container(summary, 'cpu')?.cpu.usageNanoCores ?? 0;
  assert.ok(rate > 0.1e9 && rate < 0.3e9, `a limit of 200m is used in full: ${rate}`);
  const memory = container(summary, 'memory')?.memory;
  assert.ok(memory && memory.workingSetBytes >= memory.rssBytes * 0.8, JSON.stringify(memory));
  const { rootfs } = container(summary, 'disk') ?? {};
  assert.ok(rootfs && rootfs.usedBytes < 4e6 && rootfs.capacityBytes > rootfs.availableBytes, JSON.stringify(rootfs));
  assert.ok(rootfs.inodesUsed >= 2, 'a file and the root');
  const volumes = new Map(busy(summary)?.volume?.map((volume) => [volume.name, volume.usedBytes]));
  const scratch = volumes.get('scratch') ?? 0;
  assert.ok(scratch >= 2e6 && scratch < 3e6, `${scratch}`);
  const token = [...volumes.keys()].find((name) => name.startsWith('kube-api-access-'));
  assert.ok(token && (volumes.get(token) ?? 0) > 0, [...volumes.keys()].join());
  const ephemeral = busy(summary)?.['ephemeral-storage']?.usedBytes ?? 0;
  assert.ok(ephemeral >= rootfs.usedBytes + scratch, `all that the pod takes of the disk: ${ephemeral}`);
  assert.equal(summary.pods[0]?.network?.name, 'eth0');
  const processes = summary.pods[0]?.process_stats?.process_count ?? 0;
  assert.ok(processes >= 2, `a shell in each container, and what it runs: ${processes}`);

  const metrics = await raw('metrics/resource');
  for (const name of ['cpu', 'memory']) {
    const labels = `container="${name}",pod="busy",namespace="${stage.namespace}"`;
    assert.match(metrics, new RegExp(`^container_cpu_usage_seconds_total\\{${labels}\\} [\\d.e+-]+ \\d+$`, 'm'));
    assert.match(metrics, new RegExp(`^container_memory_working_set_bytes\\{${labels}\\} [\\d.e+-]+ \\d+$`, 'm'));
  }
  assert.match(metrics, /^node_cpu_usage_seconds_total [\d.e+-]+ \d+$/m);

  const dashboards = await raw('metrics/cadvisor');
  const metricOf = (name: string, of: string): number => {
    const line = dashboards
      .split('\n')
      .find((each) => each.startsWith(`${name}{`) && each.includes(`${of},`) && each.includes(stage.namespace));
    return Number(/\} (\S+)/.exec(line ?? '')?.[1]);
  };
  assert.equal(metricOf('container_fs_usage_bytes', 'container="disk"'), rootfs.usedBytes);
  const quota = metricOf('container_spec_cpu_quota', 'container="cpu"');
  assert.equal(quota / metricOf('container_spec_cpu_period', 'container="cpu"'), 0.2);
  const throttled = metricOf('container_cpu_cfs_throttled_periods_total', 'container="cpu"');
  assert.ok(
    throttled > 0 && throttled <= metricOf('container_cpu_cfs_periods_total', 'container="cpu"'),
    `${throttled}`,
  );
  assert.ok(metricOf('container_cpu_cfs_throttled_seconds_total', 'container="cpu"') > 0);
  assert.ok(Number.isNaN(metricOf('container_spec_cpu_quota', 'container="memory"')), 'no limit, no quota');
  assert.equal(metricOf('container_spec_memory_limit_bytes', 'container="memory"'), 0);
  for (const name of ['memory_cache', 'memory_swap', 'oom_events_total', 'processes', 'threads', 'spec_cpu_shares']) {
    assert.ok(metricOf(`container_${name}`, 'container="memory"') >= 0, name);
  }
  for (const name of ['receive_packets_total', 'transmit_packets_total', 'receive_packets_dropped_total']) {
    assert.ok(metricOf(`container_network_${name}`, 'container=""') >= 0, name);
  }
  assert.match(dashboards, /^machine_cpu_cores [\d.]+$/m);
  assert.match(dashboards, /^machine_memory_bytes [\d.e+-]+$/m);
});
