import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodSpec } from '../../kubernetes/objects.ts';
import { makePod, owner } from '../testing/engine-harness.ts';
import { type Dns, parseResolvConf } from './dns.ts';
import { podHostname } from './hostname.ts';
import { sandboxSpec } from './sandbox-spec.ts';

const node = {
  ip: '10.0.0.1',
  clusterDomain: 'cluster.local',
  clusterDnsIp: '10.96.0.10',
  allocatable: async () => ({}),
};
const hostDns: Dns = { servers: ['9.9.9.9'], searches: ['corp.test'], options: ['timeout:1'] };
const machine = { hostname: 'machine', dns: hostDns };
const clusterSearches = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.test'];
const spec = (pod: Partial<PodSpec>) =>
  sandboxSpec(makePod({ containers: [], ...pod }, {}), 0, { owner, node, machine });

describe('the resolver of a pod', () => {
  const dnsConfig = {
    nameservers: ['1.1.1.1'],
    searches: ['more.test'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  };
  const cases: readonly (readonly [string, Partial<PodSpec>, Dns | undefined])[] = [
    ['is the cluster’s by default', {}, { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:5'] }],
    ['is the runtime’s own by Default', { dnsPolicy: 'Default' }, undefined],
    ['is the runtime’s own on the host’s network', { dnsPolicy: 'ClusterFirst', hostNetwork: true }, undefined],
    [
      'is the cluster’s on the host’s network where that is asked for',
      { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true },
      { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:5'] },
    ],
    [
      'is what the pod says by None',
      { dnsPolicy: 'None', dnsConfig },
      { servers: ['1.1.1.1'], searches: ['more.test'], options: ['ndots:2', 'edns0'] },
    ],
    [
      'is the host’s with what the pod adds',
      { dnsPolicy: 'Default', dnsConfig },
      {
        servers: ['9.9.9.9', '1.1.1.1'],
        searches: ['corp.test', 'more.test'],
        options: ['timeout:1', 'ndots:2', 'edns0'],
      },
    ],
    [
      'is the cluster’s with what the pod adds or sets anew',
      { dnsConfig },
      {
        servers: ['10.96.0.10', '1.1.1.1'],
        searches: [...clusterSearches, 'more.test'],
        options: ['ndots:2', 'edns0'],
      },
    ],
  ];
  for (const [name, pod, expected] of cases) {
    it(name, () => {
      const namespaced = sandboxSpec(makePod({ containers: [], ...pod }), 0, { owner, node, machine });
      assert.deepEqual(namespaced.dns, expected);
    });
  }

  it('is read from a resolv.conf, of which the last search list counts', () => {
    const text =
      '# comment\nnameserver 1.1.1.1\nsearch a.test b.test\nnameserver 2.2.2.2\noptions ndots:2 rotate\nsearch c.test\n';
    assert.deepEqual(parseResolvConf(text), {
      servers: ['1.1.1.1', '2.2.2.2'],
      searches: ['c.test'],
      options: ['ndots:2', 'rotate'],
    });
  });
});

describe('the host name of a pod', () => {
  const long = `${'x'.repeat(62)}-y`;
  const cases: readonly (readonly [string, Partial<PodSpec>, string, { hostname: string; domain: string }])[] = [
    ['is its name', {}, 'web-0', { hostname: 'web-0', domain: '' }],
    ['is its name, not too long and with a letter at the end', {}, long, { hostname: 'x'.repeat(62), domain: '' }],
    [
      'is the one it asks for, with the domain of its subdomain',
      { hostname: 'box', subdomain: 'web' },
      'web-0',
      { hostname: 'box', domain: 'web.default.svc.cluster.local' },
    ],
    [
      'is the one that overrides all',
      { hostnameOverride: 'a.b', subdomain: 'web' },
      'web-0',
      { hostname: 'a.b', domain: '' },
    ],
  ];
  for (const [name, pod, podName, expected] of cases) {
    it(name, () => {
      const made = makePod({ containers: [], ...pod });
      assert.deepEqual(
        podHostname({ ...made, metadata: { ...made.metadata, name: podName } }, 'cluster.local'),
        expected,
      );
    });
  }

  it('is the machine’s on the host’s network', () => {
    assert.equal(spec({ hostNetwork: true, hostname: 'box' }).hostname, 'machine');
  });

  it('is its full name where the pod wants that', () => {
    assert.equal(
      spec({ hostname: 'box', subdomain: 'web', setHostnameAsFQDN: true }).hostname,
      'box.web.default.svc.cluster.local',
    );
  });
});

describe('a sandbox', () => {
  it('has the pod’s sysctls and host ports', () => {
    const { sysctls, hostPorts, sharePids, hostNetwork } = spec({
      shareProcessNamespace: true,
      securityContext: { sysctls: [{ name: 'net/ipv4/ip_forward', value: '1' }] },
      containers: [
        {
          name: 'a',
          ports: [{ containerPort: 53, hostPort: 5353, protocol: 'UDP', hostIP: '10.0.0.1' }, { containerPort: 80 }],
        },
      ],
    });
    assert.deepEqual(sysctls, { 'net.ipv4.ip_forward': '1' });
    assert.deepEqual(hostPorts, [{ hostIp: '10.0.0.1', hostPort: 5353, containerPort: 53, protocol: 'udp' }]);
    assert.deepEqual([sharePids, hostNetwork], [true, false]);
  });

  it('on the host’s network maps no ports: they are the host’s already', () => {
    const containers = [{ name: 'a', ports: [{ containerPort: 80, hostPort: 80 }] }];
    assert.deepEqual(spec({ hostNetwork: true, containers }).hostPorts, []);
  });
});
