import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { OperationOptions } from '../provider/provider.ts';
import type { ProbeCount, Usage } from '../provider/usage.ts';
import { toRfc3339 } from '../support/clock.ts';
import { CodedError } from '../support/errors.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';

/** About now, since the certificates of callers count from now. */
const timeMs = Math.floor(Date.now() / 1000) * 1000 + 500;
const startedAtMs = timeMs - 3_600_500;
const ref = { namespace: 'default', name: 'web', uid: 'uid-web' };

/** Two containers; the second tells less. */
const usage: Usage = {
  node: {
    startedAtMs,
    filesystem: { timeMs, capacityBytes: 100, availableBytes: 30, usedBytes: 60 },
    imageFilesystem: { timeMs, capacityBytes: 200, availableBytes: 80, usedBytes: 90 },
    capacity: { cpus: 4, memoryBytes: 1 << 30 },
    kubelet: {
      startedAtMs,
      cpu: { timeMs, totalNs: 1_000_000_000 },
      memory: { timeMs, workingSetBytes: 10, usageBytes: 20, rssBytes: 5, swapBytes: 6 },
    },
  },
  pods: [
    {
      ref,
      startedAtMs,
      containers: [
        {
          name: 'app',
          startedAtMs,
          cpu: { timeMs, totalNs: 12_500_000_000, rateNs: 250_000_000.4 },
          memory: {
            timeMs,
            workingSetBytes: 1000,
            usageBytes: 1500,
            rssBytes: 800,
            cacheBytes: 600,
            swapBytes: 64,
            oomKills: 2,
            pageFaults: 40,
            majorPageFaults: 3,
          },
          rootfs: { timeMs, usedBytes: 4096, capacityBytes: 10_000 },
          throttling: { timeMs, periods: 9, throttledPeriods: 4, throttledNs: 1_500_000_000 },
          limits: { cpuShares: 204, cpuPeriodUs: 100_000, cpuQuotaUs: 20_000 },
          disk: {
            timeMs,
            disks: [
              { device: '/dev/sda', readBytes: 4096, writtenBytes: 512, reads: 2, writes: 1 },
              { device: '/dev/sdb', readBytes: 7, writtenBytes: 0, reads: 1, writes: 0 },
            ],
          },
          processes: 3,
          threads: 8,
        },
        { name: 'side', startedAtMs, cpu: { timeMs: timeMs + 1000, totalNs: 500_000_000 } },
      ],
      network: {
        timeMs,
        interfaces: [
          {
            name: 'eth0',
            rxBytes: 11,
            rxErrors: 0,
            txBytes: 22,
            txErrors: 1,
            packets: { rx: 5, rxDropped: 1, tx: 6, txDropped: 2 },
          },
        ],
      },
      volumes: [{ name: 'data', claim: 'claim', timeMs, usedBytes: 7 }],
      processes: 5,
    },
  ],
};
const probes: ProbeCount[] = [
  { pod: ref, container: 'app', probe: 'Liveness', successful: 10, failed: 2, unknown: 0 },
  { pod: ref, container: 'app', probe: 'Readiness', successful: 0, failed: 0, unknown: 1 },
];

describe('usage', () => {
  const clock = new FakeClock(timeMs);
  let kubelet: TestKubeletApi;
  let answer: (options: OperationOptions) => Promise<Usage>;
  let asked = 0;
  before(async () => {
    kubelet = await TestKubeletApi.start({
      clock,
      provider: testProvider({
        usage: (options) => {
          asked++;
          return answer(options);
        },
        probeCounts: () => probes,
      }),
      metrics: async () => 'own 1\n',
    });
    const observed = runningObserved(testPod('web'));
    const containers = observed.containers.map((one) => ({ ...one, containerId: 'podman://abc' }));
    kubelet.pods.add(testPod('web'), { ...observed, containers });
  });
  after(() => kubelet.stop());
  beforeEach(async () => {
    answer = async () => usage;
    asked = 0;
    await clock.advance(2000);
  });

  test('/stats/summary is the summary of kubelet, with what is unknown left out', async () => {
    const summary = JSON.parse((await kubelet.get('/stats/summary')).text);
    const started = toRfc3339(startedAtMs);
    const time = toRfc3339(timeMs);
    assert.deepEqual(summary.pods, [
      {
        podRef: ref,
        startTime: started,
        containers: [
          {
            name: 'app',
            startTime: started,
            cpu: { time, usageNanoCores: 250_000_000, usageCoreNanoSeconds: 12_500_000_000 },
            memory: {
              time,
              usageBytes: 1500,
              workingSetBytes: 1000,
              rssBytes: 800,
              pageFaults: 40,
              majorPageFaults: 3,
            },
            rootfs: { time, capacityBytes: 10_000, usedBytes: 4096 },
            swap: { time, swapUsageBytes: 64 },
          },
          {
            name: 'side',
            startTime: started,
            cpu: { time: toRfc3339(timeMs + 1000), usageCoreNanoSeconds: 500_000_000 },
          },
        ],
        cpu: { time: toRfc3339(timeMs + 1000), usageCoreNanoSeconds: 13_000_000_000 },
        memory: { time, usageBytes: 1500, workingSetBytes: 1000, rssBytes: 800 },
        network: {
          time,
          name: 'eth0',
          rxBytes: 11,
          rxErrors: 0,
          txBytes: 22,
          txErrors: 1,
          interfaces: [{ name: 'eth0', rxBytes: 11, rxErrors: 0, txBytes: 22, txErrors: 1 }],
        },
        volume: [{ time, usedBytes: 7, name: 'data', pvcRef: { name: 'claim', namespace: 'default' } }],
        swap: { time, swapUsageBytes: 64 },
        process_stats: { process_count: 5 },
      },
    ]);
    assert.equal(summary.node.nodeName, 'node-1');
    assert.equal(summary.node.cpu.usageCoreNanoSeconds, 14_000_000_000);
    assert.equal(summary.node.memory.workingSetBytes, 1010);
    assert.equal(summary.node.memory.availableBytes, (1 << 30) - 1010);
    assert.deepEqual(summary.node.systemContainers, [
      {
        name: 'kubelet',
        startTime: started,
        cpu: { time, usageCoreNanoSeconds: 1_000_000_000 },
        memory: { time, usageBytes: 20, workingSetBytes: 10, rssBytes: 5 },
      },
    ]);
    assert.deepEqual(summary.node.fs, { time, capacityBytes: 100, availableBytes: 30, usedBytes: 60 });
    const imageFs = { time, capacityBytes: 200, availableBytes: 80, usedBytes: 90 };
    assert.deepEqual(summary.node.runtime, { imageFs, containerFs: imageFs });
  });

  test('?only_cpu_and_memory=true is only that', async () => {
    const { pods } = JSON.parse((await kubelet.get('/stats/summary?only_cpu_and_memory=true')).text);
    assert.deepEqual(Object.keys(pods[0]), ['podRef', 'startTime', 'containers', 'cpu', 'memory']);
    assert.deepEqual(Object.keys(pods[0].containers[0]), ['name', 'startTime', 'cpu', 'memory']);
  });

  test('/metrics/resource has what a metrics-server reads, with the time of the reading', async () => {
    const answer = await kubelet.get('/metrics/resource');
    assert.match(String(answer.headers['content-type']), /^text\/plain; version=0.0.4/);
    const seconds = startedAtMs / 1000;
    assert.deepEqual(
      answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      [
        `container_cpu_usage_seconds_total{container="app",pod="web",namespace="default"} 12.5 ${timeMs}`,
        `container_cpu_usage_seconds_total{container="side",pod="web",namespace="default"} 0.5 ${timeMs + 1000}`,
        `container_memory_working_set_bytes{container="app",pod="web",namespace="default"} 1000 ${timeMs}`,
        `container_swap_usage_bytes{container="app",pod="web",namespace="default"} 64 ${timeMs}`,
        `container_start_time_seconds{container="app",pod="web",namespace="default"} ${seconds}`,
        `container_start_time_seconds{container="side",pod="web",namespace="default"} ${seconds}`,
        `node_cpu_usage_seconds_total 14 ${timeMs + 1000}`,
        `node_memory_working_set_bytes 1010 ${timeMs}`,
        `node_swap_usage_bytes 70 ${timeMs}`,
        `pod_cpu_usage_seconds_total{namespace="default",pod="web"} 13 ${timeMs + 1000}`,
        `pod_memory_working_set_bytes{namespace="default",pod="web"} 1000 ${timeMs}`,
        `pod_swap_usage_bytes{namespace="default",pod="web"} 64 ${timeMs}`,
        'resource_scrape_error 0',
        'scrape_error 0',
      ],
    );
    assert.match(
      answer.text,
      /^# HELP container_cpu_usage_seconds_total .*\n# TYPE container_cpu_usage_seconds_total counter\n/,
    );
  });

  test('/metrics/resource says that the provider failed, and nothing else', async () => {
    answer = () => Promise.reject(new CodedError('Unavailable', 'gone'));
    const { status, text } = await kubelet.get('/metrics/resource');
    assert.equal(status, 200);
    assert.deepEqual(
      text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      ['resource_scrape_error 1', 'scrape_error 1'],
    );
    assert.equal((await kubelet.get('/stats/summary')).status, 503);
  });

  test('/metrics/cadvisor has the rows of dashboards: containers with image and id, networks of pods', async () => {
    const { text } = await kubelet.get('/metrics/cadvisor');
    const app =
      'container="app",id="/kubepods/poduid-web/abc",image="docker.io/library/nginx:latest",name="abc",namespace="default",pod="web"';
    const pod =
      'container="",id="/kubepods/poduid-web",image="",name="",namespace="default",pod="web",interface="eth0"';
    for (const line of [
      `container_cpu_usage_seconds_total{${app},cpu="total"} 12.5 ${timeMs}`,
      `container_memory_working_set_bytes{${app}} 1000 ${timeMs}`,
      `container_memory_usage_bytes{${app}} 1500 ${timeMs}`,
      `container_memory_rss{${app}} 800 ${timeMs}`,
      `container_fs_usage_bytes{${app}} 4096 ${timeMs}`,
      `container_fs_limit_bytes{${app}} 10000 ${timeMs}`,
      `container_memory_failures_total{${app},failure_type="pgmajfault",scope="container"} 3 ${timeMs}`,
      `container_last_seen{${app}} ${Math.floor(timeMs / 1000)} ${timeMs}`,
      `container_cpu_cfs_periods_total{${app}} 9 ${timeMs}`,
      `container_cpu_cfs_throttled_periods_total{${app}} 4 ${timeMs}`,
      `container_cpu_cfs_throttled_seconds_total{${app}} 1.5 ${timeMs}`,
      `container_memory_cache{${app}} 600 ${timeMs}`,
      `container_memory_swap{${app}} 64 ${timeMs}`,
      `container_oom_events_total{${app}} 2 ${timeMs}`,
      `container_fs_reads_bytes_total{${app},device="/dev/sda"} 4096 ${timeMs}`,
      `container_fs_reads_bytes_total{${app},device="/dev/sdb"} 7 ${timeMs}`,
      `container_fs_writes_bytes_total{${app},device="/dev/sda"} 512 ${timeMs}`,
      `container_fs_reads_total{${app},device="/dev/sda"} 2 ${timeMs}`,
      `container_fs_writes_total{${app},device="/dev/sda"} 1 ${timeMs}`,
      `container_processes{${app}} 3 ${timeMs}`,
      `container_threads{${app}} 8 ${timeMs}`,
      `container_spec_cpu_shares{${app}} 204`,
      `container_spec_cpu_period{${app}} 100000`,
      `container_spec_cpu_quota{${app}} 20000`,
      `container_spec_memory_limit_bytes{${app}} 0`,
      `container_network_receive_packets_total{${pod}} 5 ${timeMs}`,
      `container_network_receive_packets_dropped_total{${pod}} 1 ${timeMs}`,
      `container_network_transmit_packets_total{${pod}} 6 ${timeMs}`,
      `container_network_transmit_packets_dropped_total{${pod}} 2 ${timeMs}`,
      'machine_cpu_cores 4',
      'machine_memory_bytes 1073741824',
      `container_start_time_seconds{${app}} ${startedAtMs / 1000}`,
      `container_network_receive_bytes_total{${pod}} 11 ${timeMs}`,
      `container_network_transmit_bytes_total{${pod}} 22 ${timeMs}`,
      `container_network_transmit_errors_total{${pod}} 1 ${timeMs}`,
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line}\nis not in\n${text}`);
    }
  });

  for (const [encodings, isCompressed] of [
    ['gzip', true],
    ['deflate, gzip;q=0.5', true],
    ['gzip;q=0', false],
    ['deflate', false],
  ] as const) {
    test(`metrics are ${isCompressed ? '' : 'not '}compressed for who accepts ${encodings}`, async () => {
      const plain = (await kubelet.get('/metrics/cadvisor')).text;
      const sent = request(
        kubelet.options({ path: '/metrics/cadvisor', headers: { 'accept-encoding': encodings } }),
      ).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      const body = await buffer(answer);
      assert.equal(answer.headers['content-encoding'], isCompressed ? 'gzip' : undefined);
      assert.equal((isCompressed ? gunzipSync(body) : body).toString(), plain);
    });
  }

  test('/metrics/probes counts results, those that were', async () => {
    const { text } = await kubelet.get('/metrics/probes');
    const labels = 'container="app",namespace="default",pod="web",pod_uid="uid-web"';
    assert.deepEqual(
      text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      [
        `prober_probe_total{${labels},probe_type="Liveness",result="successful"} 10`,
        `prober_probe_total{${labels},probe_type="Liveness",result="failed"} 2`,
        `prober_probe_total{${labels},probe_type="Readiness",result="unknown"} 1`,
      ],
    );
  });

  test('/metrics is our own, with the node’s name and how full claimed volumes are', async () => {
    const { text } = await kubelet.get('/metrics');
    assert.match(text, /^own 1\n/);
    assert.deepEqual(
      text.split('\n').filter((line) => line.startsWith('kubelet_')),
      [
        'kubelet_node_name{node="node-1"} 1',
        'kubelet_volume_stats_used_bytes{namespace="default",persistentvolumeclaim="claim"} 7',
      ],
    );
  });

  test('/metrics is served though usage cannot be read', async () => {
    answer = async () => {
      throw new Error('broken');
    };
    const { status, text } = await kubelet.get('/metrics');
    assert.deepEqual([status, text.includes('kubelet_node_name'), text.includes('volume')], [200, true, false]);
  });

  test('the provider is asked once a second, however many scrape', async () => {
    await Promise.all(['/stats/summary', '/metrics/resource', '/metrics/cadvisor'].map((path) => kubelet.get(path)));
    assert.equal(asked, 1);
    await clock.advance(1000);
    await kubelet.get('/metrics/resource');
    assert.equal(asked, 2);
  });

  test('but anew where a pod has started since, which whoever has seen it run would miss', async () => {
    await kubelet.get('/metrics/resource');
    const state = { kind: 'running', startedAtMs: clock.now() } as const;
    const observed = runningObserved(testPod('new'));
    kubelet.pods.add(testPod('new'), {
      ...observed,
      containers: observed.containers.map((one) => ({ ...one, state })),
    });
    await clock.advance(1);
    await kubelet.get('/stats/summary');
    await kubelet.get('/metrics/resource');
    assert.equal(asked, 2);
  });

  test('a provider that does not answer costs a scraper eight seconds', async () => {
    answer = ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const waiting = kubelet.get('/stats/summary');
    while (asked === 0) await clock.advance(0);
    await clock.advance(8000);
    const { status, text } = await waiting;
    assert.deepEqual([status, text], [504, 'the provider’s usage gave no answer within 8000 ms']);
  });

  test('rights: stats for the summary, metrics for metrics', async () => {
    const paths = ['/stats/summary', '/metrics', '/metrics/resource', '/metrics/cadvisor', '/metrics/probes'];
    kubelet.api.accessReviews.length = 0;
    const as = await kubelet.authority.issue({ user: 'scraper' });
    for (const path of paths) await kubelet.get(path, { as });
    assert.deepEqual(
      kubelet.api.accessReviews.map(({ resourceAttributes }) => resourceAttributes.subresource),
      ['stats', 'metrics'],
    );
  });
});

test('a provider that knows nothing of usage is answered 501, and has no probes', async () => {
  const kubelet = await TestKubeletApi.start();
  for (const path of ['/stats/summary', '/metrics/resource', '/metrics/cadvisor']) {
    const { status, text } = await kubelet.get(path);
    assert.deepEqual([status, text], [501, 'provider test does not know what its pods use']);
  }
  assert.deepEqual(await kubelet.get('/metrics/probes').then(({ status, text }) => [status, text]), [200, '']);
  assert.equal((await kubelet.get('/metrics')).status, 404);
  await kubelet.stop();
});
