import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../src/kubernetes/objects.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { cluster, containerStatus, getObject, isReady, kubectl, Stage } from './harness.ts';

const sleeper = { name: 'c', image: 'busybox', command: ['sleep', '100000'] };

/** A shell in busybox that ends on SIGTERM at once. */
function shell(script: string, container: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'c', image: 'busybox', command: ['sh', '-c', script], ...container };
}

test('a Deployment runs, scales to ten, answers behind its Service and leaves nothing behind', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const { namespace } = stage;
  await cluster.apply([
    stage.deployment('web', 1, { name: 'nginx', image: 'nginx' }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
  ]);
  await kubectl('rollout', 'status', 'deployment/web', '--namespace', namespace, '--timeout=60s');
  const service = await getObject<{ spec: { clusterIP: string; ports: { nodePort: number }[] } }>(
    ...['service', 'web', '--namespace', namespace],
  );
  for (const url of [
    `http://${service?.spec.clusterIP}/`,
    `http://${cluster.nodeIp}:${service?.spec.ports[0]?.nodePort}/`,
  ]) {
    await waitFor(
      async () => (await (await fetch(url, { signal: AbortSignal.timeout(2000) })).text()).includes('nginx'),
      {
        what: `nginx to answer at ${url}`,
        timeoutMs: 20_000,
      },
    );
  }
  await kubectl('scale', 'deployment/web', '--replicas=10', '--namespace', namespace);
  await kubectl('rollout', 'status', 'deployment/web', '--namespace', namespace, '--timeout=60s');
  const running = (await stage.containers()).filter((line) => line.includes('nginx') && line.endsWith('running'));
  assert.equal(running.length, 10);
  const pods = await getObject<{ items: Pod[] }>('pods', '--namespace', namespace);
  const ips = new Set(pods?.items.map((pod) => pod.status?.podIP));
  assert.equal(ips.size, 10, 'each pod has an IP of its own');
  await kubectl('scale', 'deployment/web', '--replicas=0', '--namespace', namespace);
  await waitFor(async () => (await stage.containers()).length === 0, { what: 'no containers', timeoutMs: 60_000 });
  assert.equal((await kubectl('get', 'pods', '--namespace', namespace, '--output=name')).trim(), '');
});

test('the status has everything that kubelet writes', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  const pod = await stage.untilPod('p', 'ready', isReady);
  const { status } = pod;
  const conditions = Object.fromEntries(status?.conditions?.map((one) => [one.type, one.status]) ?? []);
  assert.deepEqual(conditions, {
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    ContainersReady: 'True',
    Ready: 'True',
    PodScheduled: 'True',
  });
  const container = containerStatus(pod, 'c');
  assert.ok(container.state?.running?.startedAt);
  assert.match(container.containerID ?? '', /^podman:\/\/[0-9a-f]{64}$/);
  assert.match(container.imageID ?? '', /busybox@sha256:|^sha256:|[0-9a-f]{64}/);
  assert.equal(container.ready && container.started, true);
  assert.equal(container.restartCount, 0);
  assert.ok(status?.podIP && status.podIPs?.[0]?.ip === status.podIP);
  assert.equal(status.hostIP, cluster.nodeIp);
  assert.equal(status.hostIPs?.[0]?.ip, cluster.nodeIp);
  assert.equal(status.qosClass, 'BestEffort');
  assert.ok(status.startTime);
  assert.equal(status.observedGeneration, pod.metadata?.generation);
});

test('a pod talks to the API server with its own token', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const script = [
    'cd /var/run/secrets/kubernetes.io/serviceaccount',
    'test -s ca.crt && test "$(cat namespace)" = "$NAMESPACE" || exit 3',
    'echo host $KUBERNETES_SERVICE_HOST token $(cut -c1-2 token)',
    // busybox has no TLS that verifies, so the connection is all that is tried here; kubectl below tries the token.
    'nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null || exit 4',
    'cat token >/dev/termination-log',
  ].join('\n');
  const env = [{ name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }];
  await cluster.apply([stage.pod('p', { restartPolicy: 'Never', containers: [shell(script, { env })] })]);
  const pod = await stage.untilPod('p', 'ended', (one) => ['Succeeded', 'Failed'].includes(one.status?.phase ?? ''));
  const { terminated } = containerStatus(pod, 'c').state ?? {};
  assert.equal(terminated?.exitCode, 0, JSON.stringify(terminated));
  const claims = JSON.parse(Buffer.from(terminated?.message?.split('.')[1] ?? '', 'base64url').toString()) as {
    sub: string;
    'kubernetes.io': { pod: { uid: string } };
  };
  assert.equal(claims.sub, `system:serviceaccount:${stage.namespace}:default`);
  assert.equal(claims['kubernetes.io'].pod.uid, pod.metadata?.uid);
  const whoAmI = await kubectl(
    ...['auth', 'whoami', '--output=json', `--token=${terminated?.message}`],
    // The administrator's certificate would count for more than the token.
    ...[
      '--kubeconfig=/dev/null',
      `--server=${cluster.apiServerUrl}`,
      `--certificate-authority=${cluster.certificateAuthorityFile}`,
    ],
  );
  assert.match(whoAmI, /system:serviceaccount/);
});

for (const [restartPolicy, exitCode, phase] of [
  ['Never', 0, 'Succeeded'],
  ['Never', 7, 'Failed'],
  ['OnFailure', 0, 'Succeeded'],
] as const) {
  test(`restartPolicy ${restartPolicy} and exit code ${exitCode} make the pod ${phase}`, async (context) => {
    const stage = await Stage.set(context);
    await stage.startNode();
    await cluster.apply([stage.pod('p', { restartPolicy, containers: [shell(`exit ${exitCode}`)] })]);
    const pod = await stage.untilPod('p', phase, (one) => one.status?.phase === phase);
    const { terminated } = containerStatus(pod, 'c').state ?? {};
    assert.equal(terminated?.exitCode, exitCode);
    assert.equal(terminated?.reason, exitCode === 0 ? 'Completed' : 'Error');
    assert.equal(isReady(pod), false);
  });
}

test('a container that fails again and again is restarted with kubelet’s backoff, and says so', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [shell('exit 5'), { ...sleeper, name: 'sibling' }] })]);
  const pod = await stage.untilPod('p', 'in CrashLoopBackOff', (one) => {
    const status = one.status?.containerStatuses?.find((candidate) => candidate.name === 'c');
    const sibling = one.status?.containerStatuses?.find((candidate) => candidate.name === 'sibling');
    return (
      status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount >= 1 && !!sibling?.state?.running
    );
  });
  const failing = containerStatus(pod, 'c');
  assert.equal(failing.lastState?.terminated?.exitCode, 5);
  assert.equal(containerStatus(pod, 'sibling').restartCount, 0);
  await waitFor(
    async () => (await stage.events()).some((event) => /^BackOff: Back-off restarting failed container c/.test(event)),
    {
      what: 'the event BackOff',
      timeoutMs: 20_000,
    },
  );
});

test('a container is restarted by its own rules, whatever the restartPolicy of its pod', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const volumeMounts = [{ name: 'tries', mountPath: '/tries' }];
  const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
  await cluster.apply([
    stage.pod('ruled', {
      restartPolicy: 'Never',
      containers: [
        shell('echo >>/tries/c; test $(wc -l </tries/c) -gt 1 || exit 42; exit 7', {
          volumeMounts,
          restartPolicy: 'Never',
          restartPolicyRules,
        }),
        shell('echo >>/tries/d; test $(wc -l </tries/d) -gt 1', {
          name: 'd',
          volumeMounts,
          restartPolicy: 'OnFailure',
        }),
      ],
      volumes: [{ name: 'tries', emptyDir: {} }],
    }),
  ]);
  const { status } = await stage.untilPod('ruled', 'Failed', (pod) => pod.status?.phase === 'Failed');
  assert.deepEqual(
    status?.containerStatuses?.map(({ name, restartCount, state }) => [
      name,
      restartCount,
      state?.terminated?.exitCode,
    ]),
    [
      ['c', 1, 7],
      ['d', 1, 0],
    ],
  );
});

test('the grace period is kept, and the object goes as soon as the container has ended', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const script = 'trap "sleep 2; exit 9" TERM; while true; do sleep 0.1; done';
  await cluster.apply([stage.pod('p', { terminationGracePeriodSeconds: 60, containers: [shell(script)] })]);
  await stage.untilPod('p', 'ready', isReady);
  const startedMs = Date.now();
  await kubectl('delete', 'pod', 'p', '--namespace', stage.namespace, '--wait=false');
  await stage.untilGone('p');
  const tookMs = Date.now() - startedMs;
  assert.ok(tookMs > 1800 && tookMs < 30_000, `the pod took ${tookMs} ms to go`);
  await waitFor(async () => (await stage.containers()).length === 0, { what: 'no containers', timeoutMs: 20_000 });
});

test('a pod that ignores SIGTERM is killed when its grace is over', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const stubborn = shell('trap "" TERM; while true; do sleep 0.1; done');
  await cluster.apply([stage.pod('p', { terminationGracePeriodSeconds: 3, containers: [stubborn] })]);
  await stage.untilPod('p', 'ready', isReady);
  const startedMs = Date.now();
  await kubectl('delete', 'pod', 'p', '--namespace', stage.namespace, '--wait=false');
  await stage.untilGone('p');
  assert.ok(Date.now() - startedMs >= 2900, 'not before its grace');
});

test('a pod deleted and created again under the same name is another pod', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  const first = await stage.untilPod('p', 'ready', isReady);
  await kubectl('delete', 'pod', 'p', '--namespace', stage.namespace, '--force', '--grace-period=0');
  await cluster.apply([stage.pod('p', { containers: [sleeper] })]);
  const second = await stage.untilPod(
    'p',
    'ready again',
    (pod) => isReady(pod) && pod.metadata?.uid !== first.metadata?.uid,
  );
  assert.notEqual(containerStatus(second, 'c').containerID, containerStatus(first, 'c').containerID);
  await waitFor(
    async () => (await stage.containers()).filter((line) => line.includes(first.metadata?.uid ?? '')).length === 0,
    {
      what: 'the first one’s containers to be gone',
      timeoutMs: 30_000,
    },
  );
});

test('processes have the user and the groups that the pod asks for, and write to its volumes', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([
    stage.pod('who', {
      restartPolicy: 'Never',
      securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000] },
      containers: [
        shell('id -u; id -G | tr " " "\\n" | sort; touch /data/x && stat -c %g /data/x', {
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        }),
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    }),
  ]);
  await stage.untilPod('who', 'Succeeded', ({ status }) => status?.phase === 'Succeeded');
  const lines = (await kubectl('logs', 'who', '--namespace', stage.namespace)).trim().split('\n');
  assert.deepEqual(lines, ['1000', '2000', '3000', '4000', '2000']);
});

test('system calls are those that the seccomp profile allows', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const profiles = join(stage.rootDir, 'seccomp');
  await mkdir(profiles, { recursive: true });
  const noFolders = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' };
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', architectures: [], syscalls: [noFolders] };
  await writeFile(join(profiles, 'no-folders.json'), JSON.stringify(profile));
  const script = 'grep ^Seccomp: /proc/self/status; mkdir /made && echo made';
  const pod = (name: string, seccompProfile: object | undefined): object =>
    stage.pod(name, {
      restartPolicy: 'Never',
      ...(seccompProfile && { securityContext: { seccompProfile } }),
      containers: [shell(`${script}; true`)],
    });
  await cluster.apply([
    pod('default', undefined),
    pod('unconfined', { type: 'Unconfined' }),
    pod('local', { type: 'Localhost', localhostProfile: 'no-folders.json' }),
  ]);
  const said = async (name: string): Promise<string> => {
    await stage.untilPod(name, 'Succeeded', ({ status }) => status?.phase === 'Succeeded');
    return (await kubectl('logs', name, '--namespace', stage.namespace)).replaceAll(/\s+/g, ' ').trim();
  };
  assert.equal(await said('default'), 'Seccomp: 2 made');
  assert.equal(await said('unconfined'), 'Seccomp: 0 made');
  assert.match(await said('local'), /^Seccomp: 2 mkdir: .*not permitted/);
});

test('limits of containers and of pods become cgroup limits, and who is over its memory is OOMKilled', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const resources = { requests: { cpu: '100m', memory: '16Mi' }, limits: { cpu: '500m', memory: '32Mi' } };
  const greed = 'x=a; while true; do x=$x$x; done';
  const limits =
    'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null > /dev/termination-log';
  await cluster.apply([
    stage.pod('limits', { restartPolicy: 'Never', containers: [shell(limits, { resources })] }),
    stage.pod('greedy', {
      restartPolicy: 'Never',
      containers: [shell(greed, { resources })],
    }),
    stage.pod('together', { restartPolicy: 'Never', resources, containers: [shell(greed)] }),
  ]);
  const limited = await stage.untilPod(
    'limits',
    'Succeeded',
    (pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed',
  );
  assert.match(containerStatus(limited, 'c').state?.terminated?.message ?? '', /33554432/);
  assert.equal(limited.status?.qosClass, 'Burstable');
  for (const name of ['greedy', 'together']) {
    const greedy = await stage.untilPod(name, 'Failed', (pod) => pod.status?.phase === 'Failed');
    const { terminated } = containerStatus(greedy, 'c').state ?? {};
    assert.deepEqual([terminated?.reason, terminated?.exitCode], ['OOMKilled', 137], name);
  }
});

test('a pod that writes more to disk than it may is evicted', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const resources = { limits: { 'ephemeral-storage': '1Mi' } };
  await cluster.apply([
    stage.pod('layer', { containers: [shell('head -c 3000000 /dev/zero >/own; exec sleep 100000', { resources })] }),
    stage.pod('volume', {
      containers: [
        shell('head -c 3000000 /dev/zero >/scratch/own; exec sleep 100000', {
          volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
        }),
      ],
      volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '2Mi' } }],
    }),
    stage.pod('modest', { containers: [shell('echo little >/own; exec sleep 100000', { resources })] }),
  ]);
  const evicted = async (name: string): Promise<string | undefined> => {
    const { status } = await stage.untilPod(name, 'evicted', (pod) => pod.status?.phase === 'Failed');
    assert.equal(status?.reason, 'Evicted');
    assert.ok(status?.containerStatuses?.[0]?.state?.terminated, 'nothing of it runs any more');
    return status?.message;
  };
  assert.match((await evicted('layer')) ?? '', /^Pod ephemeral local storage usage exceeds the total limit .* 1Mi\. $/);
  assert.equal(await evicted('volume'), 'Usage of EmptyDir volume "scratch" exceeds the limit "2Mi". ');
  assert.equal((await stage.getPod('modest'))?.status?.phase, 'Running');
  const events = await getObject<{ items: { type: string }[] }>(
    ...['events', '--namespace', stage.namespace, '--field-selector=reason=Evicted'],
  );
  assert.deepEqual(
    events?.items.map(({ type }) => type),
    ['Warning', 'Warning'],
  );
});

test('images: Always pulls, Never refuses to, and a missing one is told and backed off', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([
    stage.pod('always', { containers: [{ ...sleeper, imagePullPolicy: 'Always' }] }),
    stage.pod('never', { containers: [{ ...sleeper, image: 'never-pulled', imagePullPolicy: 'Never' }] }),
    stage.pod('missing', { containers: [{ ...sleeper, image: 'no-such-image:1' }] }),
  ]);
  await stage.untilPod('always', 'ready', isReady);
  await stage.untilPod(
    'never',
    'waiting',
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull',
  );
  await stage.untilPod('missing', 'backed off', (pod) =>
    /^(ErrImagePull|ImagePullBackOff)$/.test(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason ?? ''),
  );
  const events = await waitFor(
    async () => {
      const all = await stage.events();
      return (
        ['Pulling: ', 'Pulled: ', 'Created: ', 'Started: ', 'Failed: '].every((word) =>
          all.some((event) => event.startsWith(word)),
        ) && all
      );
    },
    { what: 'kubelet’s events', timeoutMs: 20_000 },
  );
  assert.ok(
    events.some((event) => event.startsWith('Pulling: Pulling image "busybox"')),
    events.join('\n'),
  );
});

test('a pod that can never run is Failed with every field named; what the API server fills in refuses nothing', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  await cluster.apply([
    stage.pod('plain', { containers: [{ name: 'c', image: 'nginx' }] }),
    stage.pod('impossible', {
      containers: [{ ...sleeper, volumeMounts: [{ name: 'h', mountPath: '/h' }] }],
      volumes: [{ name: 'h', nfs: { server: '127.0.0.1', path: '/' } }],
      hostUsers: false,
    }),
  ]);
  await stage.untilPod('plain', 'ready', isReady);
  const pod = await stage.untilPod('impossible', 'Failed', (one) => one.status?.phase === 'Failed');
  assert.match(pod.status?.message ?? '', /hostUsers/);
  assert.match(pod.status?.message ?? '', /volumes\[\d\]\.nfs/);
  assert.ok((await stage.events()).some((event) => event.includes('hostUsers')));
});

test('a DaemonSet whose pods are refused does not become a storm', async (context) => {
  const stage = await Stage.set(context);
  await stage.startNode();
  const { namespace } = stage;
  for (const [kind, name, more] of [
    ['DaemonSet', 'daemon', {}],
    ['Deployment', 'deployment', { replicas: 1 }],
  ] as const) {
    await cluster.apply([
      {
        apiVersion: 'apps/v1',
        kind,
        metadata: { name, namespace },
        spec: {
          ...more,
          selector: { matchLabels: { app: name } },
          template: {
            metadata: { labels: { app: name } },
            spec: { ...stage.placement, hostUsers: false, containers: [sleeper] },
          },
        },
      },
    ]);
  }
  await waitFor(async () => (await stage.events()).some((event) => event.includes('hostUsers')), {
    what: 'the refusal to be told',
    timeoutMs: 20_000,
  });
  const seen = new Set<string>();
  const untilMs = Date.now() + 15_000;
  await waitFor(
    async () => {
      const pods = await getObject<{ items: Pod[] }>('pods', '--namespace', namespace);
      for (const pod of pods?.items ?? []) seen.add(pod.metadata?.uid ?? '');
      return Date.now() > untilMs;
    },
    { what: '15 s to pass', timeoutMs: 30_000, intervalMs: 1000 },
  );
  assert.ok(seen.size <= 8, `${seen.size} pods in 15 s`);
});
