import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePod } from '../testing/engine-harness.ts';
import { hostNetworkHostsFile, hostsFile } from './hosts-file.ts';

const hostAliases = [{ ip: '10.1.2.3', hostnames: ['friend', 'friend.test'] }];
const aliasLines = '\n# Entries added by HostAliases.\n10.1.2.3\tfriend\tfriend.test\n';

test('a pod’s /etc/hosts has its own names and its aliases', () => {
  const pod = makePod({ containers: [], hostAliases });
  const entry = { ips: ['10.88.0.2', 'fd00::2'], hostname: 'box', domain: 'web.default.svc.cluster.local' };
  assert.equal(
    hostsFile(entry, pod),
    `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
10.88.0.2\tbox.web.default.svc.cluster.local\tbox
fd00::2\tbox.web.default.svc.cluster.local\tbox
${aliasLines}`,
  );
  assert.match(hostsFile({ ...entry, domain: '' }, makePod({ containers: [] })), /10\.88\.0\.2\tbox\nfd00::2\tbox\n$/);
});

test('on the host’s network it is the host’s, with the aliases', () => {
  assert.equal(
    hostNetworkHostsFile('127.0.0.1 localhost\n', makePod({ containers: [], hostAliases })),
    `# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n${aliasLines}`,
  );
});
