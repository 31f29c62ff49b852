import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hostMounts } from '../../engine/disk/mounts.ts';
import { memoryFolder } from '../../engine/disk/pod-folder.ts';
import { fakeReferences } from '../../engine/testing/engine-harness.ts';
import { type Container, type Pod, type PodSpec, podRef } from '../../kubernetes/objects.ts';
import type { PodEvent } from '../../podspec/pod-events.ts';
import type { ObservedContainer, ObservedPod } from '../../podspec/status/observed.ts';
import type { LogRequest, Provider } from '../../provider/provider.ts';
import { RunningProvider } from '../../provider/testing/observations.ts';
import { noPodman, PodmanService, waitFor } from '../../runtime/libpod/testing/podman-service.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createProvider } from './provider.ts';

const { signal } = new AbortController();
const shell = (name: string, script: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'busybox',
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
  ...more,
});
const forever = 'trap "exit 0" TERM; sleep 3600 & wait';

describe('pods on a real Podman', { skip: noPodman, timeout: 240_000 }, () => {
  let service: PodmanService;
  let running: RunningProvider;
  const rootDir = mkdtempSync(join(tmpdir(), 'podman-pods-'));
  const references = fakeReferences();
  const events: PodEvent[] = [];

  const newProvider = (): Promise<Provider> =>
    createProvider({
      nodeName: 'node',
      clusterId: 'cluster',
      configFile: undefined,
      environment: { CONTAINER_HOST: `unix://${service.socketPath}` },
      nodeIp: '10.0.0.1',
      operatingSystem: 'linux',
      clusterDomain: 'cluster.local',
      clusterDnsIp: '10.96.0.10',
      rootDir,
      references,
      recordEvent: (event) => void events.push(event),
      clock: systemClock,
      log: silentLogger,
    });

  before(async () => {
    service = await PodmanService.start();
    running = new RunningProvider(await newProvider());
  });
  after(async () => {
    await running?.stop();
    await service?.[Symbol.asyncDispose]();
    await hostMounts.unmount(memoryFolder(rootDir));
    await rm(rootDir, { recursive: true, force: true });
  });

  let serial = 0;
  const create = async (spec: PodSpec, metadata: Pod['metadata'] = {}): Promise<Pod> => {
    const uid = `00000000-0000-4000-8000-${String(++serial).padStart(12, '0')}`;
    const pod: Pod = {
      metadata: { namespace: 'default', name: `pod-${serial}`, uid, ...metadata },
      spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 5, ...spec },
    };
    await running.provider.createPod(pod, { signal });
    return pod;
  };
  const until = (pod: Pod, what: string, is: (observed: ObservedPod) => boolean): Promise<ObservedPod> =>
    running.until(podRef(pod).uid, what, is);
  const of = (observed: ObservedPod | undefined, name: string): ObservedContainer | undefined =>
    observed?.containers.find((each) => each.name === name);
  const untilRunning = (pod: Pod, name = 'a', restarts = 0): Promise<ObservedPod> =>
    until(pod, `${name} running`, (observed) => {
      const container = of(observed, name);
      return container?.state.kind === 'running' && container.restartCount === restarts;
    });
  const untilEnded = (pod: Pod): Promise<ObservedPod> => until(pod, 'ended', ({ ended }) => ended);
  const log = async (pod: Pod, more: Partial<LogRequest> = {}): Promise<string> => {
    const request = { pod: podRef(pod), container: 'a', previous: false, follow: false, timestamps: false, ...more };
    const chunks = await running.provider.logs?.(request, { signal });
    // Copies: a chunk may be written over when the next is asked for.
    return Buffer.concat(await Array.fromAsync(chunks ?? [], (chunk) => Buffer.from(chunk))).toString();
  };
  const release = async (pod: Pod): Promise<void> => {
    await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 1, signal });
    await untilEnded(pod);
    await running.provider.releasePod(podRef(pod), { signal });
  };
  const ofPod = async (pod: Pod, what: 'ps' | 'infra'): Promise<readonly string[]> => {
    const format = what === 'ps' ? ['--format', '{{.ID}}'] : ['--format', '{{.ID}} {{.IsInfra}}'];
    const label = `label=io.kubernetes.pod.uid=${podRef(pod).uid}`;
    const lines = await service.run(['podman', 'ps', '--no-trunc', '--filter', label, ...format]);
    return lines.split('\n').filter((line) => line !== '');
  };

  it('gives a container its environment, names and files', async () => {
    references.configMaps.set('settings', { 'app.conf': 'x = 1' });
    references.secrets.set('keys', { password: Buffer.from('hush').toString('base64') });
    const pod = await create(
      {
        restartPolicy: 'Never',
        hostname: 'box',
        subdomain: 'web',
        hostAliases: [{ ip: '10.1.2.3', hostnames: ['friend'] }],
        securityContext: { fsGroup: 3000 },
        volumes: [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
          { name: 'scratch', emptyDir: {} },
          { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
          {
            name: 'kube-api-access-x',
            projected: {
              sources: [
                { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
                { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
              ],
            },
          },
        ],
        containers: [
          shell(
            'a',
            [
              'echo "$GREETING from $POD_IP"; hostname; cat /etc/hosts | grep -v "^fe00\\|localhost" | grep -v "^#" | tr "\\t" " "',
              'cat /settings/app.conf; echo; cat /keys/password; echo; ls -l /keys/..data/password | cut -c 1-10',
              'cat /var/run/secrets/kubernetes.io/serviceaccount/token /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo',
              'touch /settings/no 2>/dev/null || echo settings are read-only',
              'ls -ldn /scratch | tr -s " " | cut -d " " -f 1,4; df -k /memory | tail -n 1 | tr -s " " | cut -d " " -f 2',
              'grep -E "^(nameserver|search|options)" /etc/resolv.conf | sort',
              'echo goodbye > /dev/termination-log',
            ].join('\n'),
            {
              env: [
                { name: 'GREETING', value: 'hello' },
                { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              ],
              volumeMounts: [
                { name: 'settings', mountPath: '/settings' },
                { name: 'keys', mountPath: '/keys' },
                { name: 'scratch', mountPath: '/scratch' },
                { name: 'memory', mountPath: '/memory' },
                {
                  name: 'kube-api-access-x',
                  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
                  readOnly: true,
                },
              ],
            },
          ),
        ],
      },
      { labels: { app: 'web' } },
    );
    const observed = await untilEnded(pod);
    const ip = running.pushed.findLast(({ ref, podIps }) => ref.uid === podRef(pod).uid && podIps.length > 0)
      ?.podIps[0];
    assert.deepEqual((await log(pod)).split('\n'), [
      `hello from ${ip}`,
      'box',
      `${ip} box.web.default.svc.cluster.local box`,
      '',
      '10.1.2.3 friend',
      'x = 1',
      'hush',
      '-r--r-----',
      'token for default',
      'settings are read-only',
      'drwxrwsrwx 3000',
      '1024',
      'nameserver 10.96.0.10',
      'options ndots:5',
      'search default.svc.cluster.local svc.cluster.local cluster.local',
      '',
    ]);
    const state = of(observed, 'a')?.state;
    assert.equal(state?.kind === 'terminated' && state.message, 'goodbye\n');
    const token = join(memoryFolder(rootDir), podRef(pod).uid, 'kube-api-access-x', 'token');
    assert.equal(await readFile(token, 'utf8'), 'token for ');
    await running.provider.releasePod(podRef(pod), { signal });
    await assert.rejects(readFile(token), { code: 'ENOENT' });
  });

  it('mounts parts of volumes, and makes those that are missing', async () => {
    references.configMaps.set('pages', { 'index.html': 'hello', other: 'x' });
    const volumeMounts = [
      { name: 'pages', mountPath: '/www/index.html', subPath: 'index.html' },
      { name: 'scratch', mountPath: '/data', subPathExpr: 'of/$(WHO)' },
    ];
    const pod = await create({
      restartPolicy: 'Never',
      volumes: [
        { name: 'pages', configMap: { name: 'pages' } },
        { name: 'scratch', emptyDir: {} },
      ],
      containers: [
        shell('a', 'ls /www; cat /www/index.html; echo; touch /data/x; ls /whole/of/me', {
          env: [{ name: 'WHO', value: 'me' }],
          volumeMounts: [...volumeMounts, { name: 'scratch', mountPath: '/whole' }],
        }),
      ],
    });
    await untilEnded(pod);
    assert.equal(await log(pod), 'index.html\nhello\nx\n');
    await release(pod);
  });

  it('tells the end of the log of a container that fails, where its spec says so', async () => {
    const a = shell('a', 'echo one; echo two >&2; exit 3', { terminationMessagePolicy: 'FallbackToLogsOnError' });
    const pod = await create({ restartPolicy: 'Never', containers: [a] });
    const state = of(await untilEnded(pod), 'a')?.state;
    assert.equal(state?.kind === 'terminated' && state.message, 'one\ntwo\n');
    await release(pod);
  });

  it('restarts exactly once, and nothing else, what ends while we are dead', async () => {
    const pod = await create({
      containers: [shell('a', 'trap "exit 3" USR1; sleep 3600 & wait'), shell('b', forever)],
    });
    await untilRunning(pod, 'a');
    const before = await untilRunning(pod, 'b');
    await running.stop();
    const [, id = ''] = (of(before, 'a')?.containerId ?? '').split('//');
    await service.run(['podman', 'kill', '--signal', 'USR1', id]);
    await waitFor('it has ended', async () => !(await ofPod(pod, 'ps')).includes(id));
    running = new RunningProvider(await newProvider());
    await running.provider.createPod(pod, { signal });
    const observed = await untilRunning(pod, 'a', 1);
    assert.equal(of(observed, 'a')?.lastTerminated?.exitCode, 3);
    assert.deepEqual(of(observed, 'b'), of(before, 'b'));
    await release(pod);
  });

  it('tells an OOM kill for what it is', async () => {
    const a = shell('a', 'tail -c 200m /dev/zero', { resources: { limits: { memory: '20Mi' } } });
    const pod = await create({ restartPolicy: 'Never', containers: [a] });
    const state = of(await untilEnded(pod), 'a')?.state;
    assert.deepEqual(state?.kind === 'terminated' && [state.reason, state.exitCode], ['OOMKilled', 137]);
    await release(pod);
  });

  it('tells why a container cannot be started', async () => {
    const pod = await create({
      restartPolicy: 'Never',
      containers: [{ ...shell('a', ''), command: ['/no/such/thing'] }],
    });
    const state = of(await untilEnded(pod), 'a')?.state;
    assert.equal(state?.kind === 'terminated' && state.reason, 'StartError');
    assert.match((state?.kind === 'terminated' && state.message) || '', /no such file/);
    await release(pod);
  });

  it('follows a log to the container’s end, and shows that of the attempt before', async () => {
    const pod = await create({
      containers: [shell('a', 'echo first; sleep 1; echo second; test -e /tmp/x && sleep 60')],
    });
    await untilRunning(pod);
    assert.equal(await log(pod, { follow: true }), 'first\nsecond\n');
    await untilRunning(pod, 'a', 1);
    assert.equal(await log(pod, { previous: true, tailLines: 1 }), 'second\n');
    assert.match(
      await log(pod, { previous: true, timestamps: true }),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S+ first\n/,
    );
    await release(pod);
  });

  it('starts anew a container that its liveness probe finds dead', async () => {
    const livenessProbe = {
      exec: { command: ['test', '!', '-e', '/tmp/dead'] },
      periodSeconds: 1,
      failureThreshold: 1,
    };
    const pod = await create({ containers: [shell('a', 'sleep 1; touch /tmp/dead; sleep 3600', { livenessProbe })] });
    await untilRunning(pod, 'a', 1);
    assert.ok(events.some(({ message }) => message === 'Container a failed liveness probe, will be restarted'));
    await release(pod);
  });

  it('makes a new sandbox where the old one dies, and starts everything anew in it', async () => {
    const pod = await create({ containers: [shell('a', forever)] });
    await untilRunning(pod);
    const infra = (await ofPod(pod, 'infra')).find((line) => line.endsWith('true'))?.split(' ')[0] ?? '';
    await service.run(['podman', 'kill', infra]);
    const observed = await untilRunning(pod, 'a', 1);
    assert.equal(observed.sandboxReady, true);
    assert.ok(events.some(({ reason }) => reason === 'SandboxChanged'));
    await release(pod);
    assert.deepEqual(await ofPod(pod, 'ps'), []);
  });

  it('leaves pods alone while Podman is away, and goes on when it is back', async () => {
    const pod = await create({
      containers: [shell('a', 'trap "exit 3" USR1; sleep 3600 & wait'), shell('b', forever)],
    });
    await untilRunning(pod, 'a');
    const before = await untilRunning(pod, 'b');
    const [, id = ''] = (of(before, 'a')?.containerId ?? '').split('//');
    await service.end('SIGTERM');
    await service.run(['podman', 'kill', '--signal', 'USR1', id]);
    await service.startAgain();
    const observed = await untilRunning(pod, 'a', 1);
    assert.equal(of(observed, 'a')?.lastTerminated?.exitCode, 3);
    assert.deepEqual(of(observed, 'b'), of(before, 'b'));
    await release(pod);
  });

  it('runs a preStop hook before it stops a container', async () => {
    const pod = await create({
      containers: [
        shell('a', forever, {
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo stopping > /dev/termination-log'] } } },
        }),
      ],
    });
    await untilRunning(pod);
    await running.provider.deletePod(podRef(pod), { gracePeriodSeconds: 5, signal });
    const state = of(await untilEnded(pod), 'a')?.state;
    assert.deepEqual(state?.kind === 'terminated' && [state.exitCode, state.message], [0, 'stopping\n']);
    await running.provider.releasePod(podRef(pod), { signal });
  });
});
