import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type Options, parseInvocation } from './options.ts';
import { hasCode } from './support/errors.ts';

function parse(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Options {
  const invocation = parseInvocation(argv, environment, '1.2.3');
  assert.ok(invocation.kind !== 'print', 'expected a command');
  return invocation.options;
}

test('the defaults are those of the Go virtual kubelet, with kubelet’s idle timeout', () => {
  const options = parse(['--provider', 'podman']);
  assert.equal(options.nodeName, 'virtual-kubelet');
  assert.equal(options.kubeletPort, 10_250);
  assert.deepEqual(options.metricsAddress, { host: '', port: 10_255 });
  assert.equal(options.podSyncWorkers, 10);
  assert.equal(options.fullResyncPeriodMs, 60_000);
  assert.equal(options.streamIdleTimeoutMs, 4 * 3_600_000);
  assert.equal(options.streamCreationTimeoutMs, 30_000);
  assert.deepEqual(options.taint, { key: 'virtual-kubelet.io/provider', value: 'podman', effect: 'NoSchedule' });
});

test('environment variables stand in for flags, and flags win', () => {
  const environment = {
    DEFAULT_NODE_NAME: 'from-env',
    KUBELET_PORT: '0',
    VKUBELET_POD_IP: '10.1.2.3',
    VKUBELET_TAINT_KEY: 'k',
    VKUBELET_TAINT_VALUE: 'v',
    VKUBELET_TAINT_EFFECT: 'NoExecute',
    KUBECONFIG: '/k',
  };
  const options = parse(['--provider=memory', '--nodename=from-flag'], environment);
  assert.equal(options.nodeName, 'from-flag');
  assert.equal(options.kubeletPort, 0);
  assert.equal(options.nodeIp, '10.1.2.3');
  assert.equal(options.kubeconfig, '/k');
  assert.deepEqual(options.taint, { key: 'k', value: 'v', effect: 'NoExecute' });
});

for (const [flags, disabled] of [
  [['--disable-taint'], true],
  [['--disable-taint=true'], true],
  [['--disable-taint=false'], false],
  [[], false],
] as const) {
  test(`${flags.join(' ') || 'no flag'} ${disabled ? 'leaves the node without' : 'gives the node its'} taint`, () => {
    assert.equal(parse(['--provider=memory', ...flags]).taint === undefined, disabled);
  });
}

test('flags without a meaning here are accepted and listed', () => {
  const options = parse(['--provider=memory', '--klog.v=4', '--namespace=x', '--enable-node-lease', '--trace-tag=a=b']);
  assert.deepEqual(options.ignoredFlags, ['--klog.v', '--namespace', '--enable-node-lease', '--trace-tag']);
});

for (const [argv, environment, message] of [
  [[], {}, /^--provider: say what shall run the pods/],
  [['--provider=memory', '--nodename=Bad_Name'], {}, /^--nodename: "Bad_Name" cannot name a node/],
  [['--provider=memory', '--os=plan9'], {}, /^--os: "plan9" is not known; use linux or windows/],
  [['--provider=memory', '--pod-sync-workers=0'], {}, /^--pod-sync-workers: "0" is not a whole number from 1/],
  [['--provider=memory', '--full-resync-period=soon'], {}, /^--full-resync-period: "soon" is not a duration/],
  [['--provider=memory', '--metrics-addr=nowhere'], {}, /^--metrics-addr: "nowhere" is not an address/],
  [['--provider=memory', '--log-level=loud'], {}, /^--log-level: "loud" is not known; use trace, debug/],
  [['--provider=memory', '--trace-exporter=jaeger'], {}, /^--trace-exporter: "jaeger" is not known/],
  [['--provider=memory', '--disable-taint=perhaps'], {}, /^--disable-taint: "perhaps" is neither true nor false/],
  [['--provider=memory', '--tls-cert-file=x'], {}, /^--tls-cert-file and --tls-private-key-file: give both/],
  [['--provider=memory'], { KUBELET_PORT: '99999' }, /^KUBELET_PORT: "99999" is not a whole number from 0 to 65535/],
  [['--provider=memory'], { VKUBELET_TAINT_EFFECT: 'No' }, /^VKUBELET_TAINT_EFFECT: "No" is not known/],
  [['--provider=memory', '--colour=blue'], {}, /unknown option '--colour=blue'/],
  [['--provider=memory', '--node-ip=foo'], {}, /^--node-ip: "foo" is not an IP address/],
  [['--provider=memory', '--node-ip=10.0.0.1:80'], {}, /^--node-ip: "10.0.0.1:80" is not an IP address/],
  [['--provider=memory', '--node-ip=127.0.0.1'], {}, /^--node-ip: "127.0.0.1" .*never connects; .*not loopback/],
  [['--provider=memory', '--node-ip=::1'], {}, /^--node-ip: "::1" .*never connects/],
  [['--provider=memory', '--node-ip=fe80::1%eth0'], {}, /^--node-ip: "fe80::1%eth0" .*never connects/],
  [['--provider=memory', '--node-ip='], {}, /^--node-ip: "" is not an IP address/],
  [['--provider=memory'], { VKUBELET_POD_IP: '0.0.0.0' }, /^VKUBELET_POD_IP: "0.0.0.0" .*never connects/],
  [['--provider=memory', '--cluster-dns=foo'], {}, /^--cluster-dns: "foo" is not an IP address/],
  [['--provider=memory', '--cluster-domain=b@d'], {}, /^--cluster-domain: "b@d" is no DNS domain; use at most 253/],
  [['--provider=memory', '--cluster-domain=a..b'], {}, /^--cluster-domain: "a..b" is no DNS domain/],
  [['--provider=memory', '--nodename=a..b'], {}, /^--nodename: "a..b" cannot name a node; use at most 63/],
  [['--provider=memory', '--nodename=a.-b'], {}, /^--nodename: "a.-b" cannot name a node/],
  [['--provider=memory', `--nodename=${'n'.repeat(64)}`], {}, /^--nodename: "n+" cannot name a node; use at most 63/],
  [['--provider=memory'], { DEFAULT_NODE_NAME: 'UP' }, /^DEFAULT_NODE_NAME: "UP" cannot name a node/],
  [['--provider=memory', '--root-dir='], {}, /^--root-dir: "" is not a folder/],
  [['--provider=memory', '--full-resync-period=999ms'], {}, /^--full-resync-period: "999ms" .*1s or more, or 0/],
  [['--provider=memory', '--stream-idle-timeout=0'], {}, /^--stream-idle-timeout: "0" is too short; use 1s or more/],
  [['--provider=memory', '--stream-creation-timeout=1ms'], {}, /^--stream-creation-timeout: "1ms" is too short/],
  [['--provider=memory', '--taint=b@d'], {}, /^--taint: "b@d" is no key of a taint/],
  [['--provider=memory'], { VKUBELET_TAINT_KEY: 'b@d key' }, /^VKUBELET_TAINT_KEY: "b@d key" is no key of a taint/],
  [['--provider=memory'], { VKUBELET_TAINT_KEY: 'a/b/c' }, /^VKUBELET_TAINT_KEY: "a\/b\/c" is no key of a taint/],
  [['--provider=memory'], { VKUBELET_TAINT_KEY: 'UP.io/c' }, /^VKUBELET_TAINT_KEY: "UP.io\/c" is no key of a taint/],
  [['--provider=memory'], { VKUBELET_TAINT_KEY: 'io/' }, /^VKUBELET_TAINT_KEY: "io\/" is no key of a taint/],
  [['--provider=memory'], { VKUBELET_TAINT_VALUE: 'no!' }, /^VKUBELET_TAINT_VALUE: "no!" .*at most 63 letters/],
  [['run'], {}, /too many arguments|unknown command/],
] as const) {
  test(`${[...argv, ...Object.entries(environment).map(([k, v]) => `${k}=${v}`)].join(' ') || 'no flag at all'} is refused in words`, () => {
    assert.throws(
      () => parse(argv, environment as Record<string, string>),
      (error) => hasCode(error, 'InvalidInput') && message.test(error.message),
    );
  });
}

for (const [argv, environment, expected] of [
  [['--node-ip=fd00::1', '--cluster-dns=fd00::a'], {}, { nodeIp: 'fd00::1', clusterDnsIp: 'fd00::a' }],
  [['--cluster-domain=k8s.example.com'], {}, { clusterDomain: 'k8s.example.com' }],
  [[`--nodename=${'n'.repeat(63)}`], {}, { nodeName: 'n'.repeat(63) }],
  [['--full-resync-period=0'], {}, { fullResyncPeriodMs: 0 }],
  [['--full-resync-period=1s'], {}, { fullResyncPeriodMs: 1000 }],
  [['--root-dir=state'], {}, { rootDir: resolve('state') }],
  [['--os=Linux', '--log-level=WARN'], {}, { operatingSystem: 'linux', logLevel: 'warn' }],
  [
    ['--taint=example.com/Some_key.1'],
    { VKUBELET_TAINT_VALUE: 'a_B.c-1' },
    { taint: { key: 'example.com/Some_key.1', value: 'a_B.c-1', effect: 'NoSchedule' } },
  ],
] as const) {
  test(`${[...argv, ...Object.values(environment)].join(' ')} is taken`, () => {
    const options = parse(['--provider=memory', ...argv], environment);
    assert.deepEqual({ ...options, ...expected }, options);
  });
}

test('all that is wrong is said at once', () => {
  assert.throws(
    () => parse(['--os=plan9', '--log-level=loud']),
    (error) => error instanceof Error && error.message.split('\n').length === 4,
  );
});

test('--help and --version print and ask for nothing else', () => {
  const help = parseInvocation(['--help'], {}, '1.2.3');
  assert.ok(help.kind === 'print' && help.text.includes('--provider-config') && help.text.includes('Exit codes'));
  assert.deepEqual(parseInvocation(['--version'], {}, '1.2.3'), { kind: 'print', text: 'virtual-kubelet 1.2.3' });
});

test('init-node takes the same flags before or after its name', () => {
  for (const argv of [
    ['init-node', '--provider=podman', '--nodename=n'],
    ['--provider=podman', '--nodename=n', 'init-node'],
  ]) {
    const invocation = parseInvocation(argv, {}, '1.2.3');
    assert.ok(invocation.kind === 'init-node' && invocation.options.nodeName === 'n');
  }
});
