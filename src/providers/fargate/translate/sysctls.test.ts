import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../kubernetes/objects.ts';
import { isSupportedSysctl, systemControls } from './sysctls.ts';

test('sysctls of network and IPC are Fargate’s to set, others are not', () => {
  const supported = [
    'net.core.somaxconn',
    'net/ipv4/tcp_keepalive_time',
    'kernel.shm_rmid_forced',
    'fs.mqueue.msg_max',
  ];
  for (const name of supported) assert.equal(isSupportedSysctl(name), true, name);
  for (const name of ['kernel.pid_max', 'fs.file-max', 'vm.swappiness', 'kernel.shmmaxi', 'network.x']) {
    assert.equal(isSupportedSysctl(name), false, name);
  }
});

test('the first container sets those of the network for all, and each its own of IPC', () => {
  const sysctls = [
    { name: 'net/core/somaxconn', value: '1024' },
    { name: 'kernel.shmmax', value: '1' },
  ];
  const [first, second] = [{ name: 'a' }, { name: 'b' }];
  const pod: Pod = { spec: { containers: [first, second], securityContext: { sysctls } } };
  const ipc = { namespace: 'kernel.shmmax', value: '1' };
  assert.deepEqual(systemControls(first, pod), {
    systemControls: [{ namespace: 'net.core.somaxconn', value: '1024' }, ipc],
  });
  assert.deepEqual(systemControls(second, pod), { systemControls: [ipc] });
  assert.deepEqual(systemControls(first, { spec: { containers: [first] } }), {});
});
