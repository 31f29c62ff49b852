import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerSpec } from '../runtime.ts';
import { toPodSpecGenerator, toSpecGenerator, toUpdatedResources } from './container-spec.ts';
import { containerSpec, sandboxSpec } from './testing/specs.ts';

const least = { sandboxId: 'pod-id', imageId: 'image-id', name: 'web' };

/** What Podman is told of every container. */
const always = {
  name: 'web',
  pod: 'pod-id',
  image: 'image-id',
  labels: { 'test/owner': 'us', 'test/container': 'web' },
  create_working_dir: true,
  env: {},
  mounts: [],
  image_volume_mode: 'anonymous',
  resource_limits: { cpu: {}, memory: {} },
  groups: [],
  read_only_filesystem: false,
  read_write_tmpfs: false,
  privileged: false,
  cap_add: [],
  cap_drop: [],
  no_new_privileges: false,
  stdin: false,
  terminal: false,
  use_image_hosts: true,
  manage_password: false,
  systemd: 'false',
  healthconfig: { Test: ['NONE'], Interval: 30e9, Timeout: 30e9, Retries: 3 },
  log_configuration: { driver: 'k8s-file', size: Number.MAX_SAFE_INTEGER },
};

describe('the specification of a container', () => {
  const cases: readonly { name: string; spec: Partial<ContainerSpec>; says: Readonly<Record<string, unknown>> }[] = [
    { name: 'leaves command, folder and user to the image', spec: {}, says: {} },
    {
      name: 'replaces entrypoint, command, folder and user',
      spec: { entrypoint: ['/bin/x'], command: ['-v'], workingDir: '/srv', user: '1000:0', supplementalGroups: [5, 6] },
      says: { entrypoint: ['/bin/x'], command: ['-v'], work_dir: '/srv', user: '1000:0', groups: ['5', '6'] },
    },
    {
      name: 'limits memory and swap together, and CPU by share and quota',
      spec: {
        resources: {
          cpuShares: 512,
          cpuQuotaUs: 50_000,
          cpuPeriodUs: 100_000,
          memoryLimitBytes: 1_000_000,
          oomScoreAdj: -997,
        },
      },
      says: {
        resource_limits: {
          cpu: { shares: 512, quota: 50_000, period: 100_000 },
          memory: { limit: 1_000_000, swap: 1_000_000 },
        },
        oom_score_adj: -997,
      },
    },
    {
      name: 'mounts folders and memory',
      spec: {
        mounts: [
          { kind: 'bind', source: '/a', target: '/b', readOnly: false },
          { kind: 'bind', source: '/c', target: '/d', readOnly: true },
          { kind: 'tmpfs', target: '/e' },
          { kind: 'tmpfs', target: '/f', sizeBytes: 4096 },
        ],
      },
      says: {
        mounts: [
          { type: 'bind', source: '/a', destination: '/b', options: ['rbind', 'rprivate', 'rw'] },
          { type: 'bind', source: '/c', destination: '/d', options: ['rbind', 'rprivate', 'ro'] },
          { type: 'tmpfs', source: 'tmpfs', destination: '/e', options: tmpfsOptions() },
          { type: 'tmpfs', source: 'tmpfs', destination: '/f', options: [...tmpfsOptions(), 'size=4096'] },
        ],
      },
    },
    {
      name: 'joins the processes of the machine, and its IPC',
      spec: { pidNamespace: 'host', hostIpc: true },
      says: { pidns: { nsmode: 'host' }, ipcns: { nsmode: 'host' } },
    },
    {
      name: 'joins the processes of another container',
      spec: { pidNamespace: { path: '/proc/1/fd/7' } },
      says: { pidns: { nsmode: 'path', value: '/proc/1/fd/7' } },
    },
    {
      name: 'may make all system calls',
      spec: { seccomp: 'unconfined' },
      says: { seccomp_profile_path: 'unconfined' },
    },
    {
      name: 'may make the system calls of a profile',
      spec: { seccomp: { path: '/p.json' } },
      says: { seccomp_profile_path: '/p.json' },
    },
    {
      name: 'restricts and widens rights',
      spec: {
        readOnlyRoot: true,
        privileged: true,
        capabilitiesAdd: ['NET_ADMIN'],
        capabilitiesDrop: ['ALL'],
        noNewPrivileges: true,
      },
      says: {
        read_only_filesystem: true,
        privileged: true,
        cap_add: ['NET_ADMIN'],
        cap_drop: ['ALL'],
        no_new_privileges: true,
      },
    },
    {
      name: 'limits processes, or lifts what limits them, and gives them an init',
      spec: {
        ulimits: [
          { name: 'nofile', soft: 64, hard: 128 },
          { name: 'memlock', soft: -1, hard: -1 },
        ],
        init: true,
      },
      says: {
        r_limits: [
          { type: 'nofile', soft: 64, hard: 128 },
          { type: 'memlock', soft: 2 ** 64 - 2048, hard: 2 ** 64 - 2048 },
        ],
        init: true,
      },
    },
    { name: 'keeps a terminal', spec: { stdin: true, tty: true }, says: { stdin: true, terminal: true } },
  ];
  for (const { name, spec, says } of cases) {
    test(name, () => {
      assert.deepEqual(toSpecGenerator(containerSpec({ ...least, ...spec })), { ...always, ...says });
    });
  }

  test('has name servers of its own only where it does not share its sandbox’s', () => {
    const dns = { servers: ['10.0.0.1'], searches: ['a'], options: ['ndots:5'] };
    assert.deepEqual(toSpecGenerator(containerSpec(least), dns), {
      ...always,
      dns_server: ['10.0.0.1'],
      dns_search: ['a'],
      dns_option: ['ndots:5'],
    });
  });
});

function tmpfsOptions(): readonly string[] {
  return ['rw', 'exec', 'suid', 'dev', 'notmpcopyup', 'mode=0777'];
}

describe('the specification of a sandbox', () => {
  const usual = {
    name: 'pod',
    infra_name: 'pod.sandbox',
    labels: { 'test/owner': 'us', 'test/pod': 'pod' },
    hostname: 'pod',
    shared_namespaces: ['net', 'ipc', 'uts'],
    netns: { nsmode: 'bridge' },
    exit_policy: 'continue',
    no_manage_hosts: true,
    sysctl: {},
    portmappings: [],
  };
  const cases = [
    { name: 'shares network, IPC and host name', spec: {}, says: {} },
    { name: 'shares processes', spec: { sharePids: true }, says: { shared_namespaces: ['net', 'ipc', 'uts', 'pid'] } },
    { name: 'takes the host’s network', spec: { hostNetwork: true }, says: { netns: { nsmode: 'host' } } },
    {
      name: 'resolves names as asked, and without search domains takes none',
      spec: { dns: { servers: ['10.96.0.10'], searches: [], options: ['ndots:5'] } },
      says: { dns_server: ['10.96.0.10'], dns_search: ['.'], dns_option: ['ndots:5'] },
    },
    {
      name: 'limits all that runs in it together',
      spec: { resources: { cpuShares: 256, cpuQuotaUs: 25_000, cpuPeriodUs: 100_000, memoryLimitBytes: 2 ** 29 } },
      says: {
        resource_limits: {
          cpu: { shares: 256, quota: 25_000, period: 100_000 },
          memory: { limit: 2 ** 29, swap: 2 ** 29 },
        },
      },
    },
    {
      name: 'has sysctls and host ports',
      spec: {
        sysctls: { 'net.core.somaxconn': '1024' },
        hostPorts: [{ hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' } as const],
      },
      says: {
        sysctl: { 'net.core.somaxconn': '1024' },
        portmappings: [{ host_ip: '', host_port: 8080, container_port: 80, protocol: 'tcp' }],
      },
    },
  ];
  for (const { name, spec, says } of cases) {
    test(name, () => {
      assert.deepEqual(toPodSpecGenerator(sandboxSpec('pod', spec), 'pod.sandbox'), { ...usual, ...says });
    });
  }
});

test('an update lifts the limits that are not given', () => {
  assert.deepEqual(toUpdatedResources({ cpuShares: 2 }), {
    cpu: { shares: 2, quota: -1 },
    memory: { limit: -1, swap: -1 },
  });
});
