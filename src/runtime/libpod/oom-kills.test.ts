import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { oomKilledContainer } from './oom-kills.ts';

const id = 'db4e2e190822dcc6499d1eb81d52acc5148ed91a27a98556cab5ec7bcb7bf571';
const other = 'f'.repeat(64);
const kill = (cgroup: string): string =>
  `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=libpod-${other},mems_allowed=0,oom_memcg=${cgroup},task_memcg=${cgroup},task=tail,pid=3597,uid=0\n`;

describe('a record of the kernel’s log', () => {
  const cases = [
    {
      name: 'names a cgroup of cgroupfs',
      record: `6,1,2449897015,-;${kill(`/libpod_parent/pod/libpod-${id}`)}`,
      is: id,
    },
    {
      name: 'names a cgroup of systemd',
      record: `6,1,2449897015,-;${kill(`/machine.slice/machine-libpod_pod_${other}.slice/libpod-${id}.scope/container`)}`,
      is: id,
    },
    {
      name: 'names the killed process’ cgroup where the whole machine had no memory',
      record: `6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/libpod_parent/libpod-${id},task=x,pid=1,uid=0`,
      is: id,
    },
    { name: 'names no container', record: `6,1,2,-;${kill('/user.slice')}`, is: undefined },
    { name: 'is about something else', record: `6,1,2,-;eth0: libpod-${id} link up`, is: undefined },
    { name: 'was written by a program', record: `14,1,2,-;${kill(`/libpod-${id}`)}`, is: undefined },
  ];
  for (const { name, record, is } of cases) test(name, () => assert.equal(oomKilledContainer(record), is));
});
