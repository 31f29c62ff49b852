import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCgroup, parseCgroupMounts } from './cgroup-files.ts';

const id = 'a'.repeat(64);
const version1 = [
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
].join('\n');
const version2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';

for (const { name, mounts, cgroup, is } of [
  {
    name: 'version 1, though version 2 is mounted beside it',
    mounts: version1,
    cgroup: `4:memory:/libpod_parent/libpod-${id}\n3:cpu,cpuacct:/libpod_parent/libpod-${id}\n0::/`,
    is: {
      version: 1,
      cpuacct: `/sys/fs/cgroup/cpu,cpuacct/libpod_parent/libpod-${id}`,
      cpu: `/sys/fs/cgroup/cpu,cpuacct/libpod_parent/libpod-${id}`,
      memory: `/sys/fs/cgroup/memory/libpod_parent/libpod-${id}`,
    },
  },
  {
    name: 'version 2, where crun puts processes one below',
    mounts: version2,
    cgroup: `0::/machine.slice/libpod-${id}.scope/container\n`,
    is: { version: 2, folder: `/sys/fs/cgroup/machine.slice/libpod-${id}.scope` },
  },
  {
    name: 'a part of the hierarchy mounted for us',
    mounts: '30 23 0:26 /ours /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    cgroup: `0::/ours/libpod-${id}`,
    is: { version: 2, folder: `/sys/fs/cgroup/libpod-${id}` },
  },
  { name: 'another process under the same pid', mounts: version2, cgroup: '0::/init.scope', is: undefined },
]) {
  test(`the cgroup of a container is found: ${name}`, () => {
    assert.deepEqual(findCgroup(parseCgroupMounts(mounts), cgroup, id), is);
  });
}
