import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runtimeArgs } from './oci-runtime.ts';

const cases: readonly [conmon: string, runtime: readonly string[]][] = [
  ['conmon -c id -r /usr/bin/runc', []],
  ['conmon --runtime-arg --log-format=json --runtime-arg --log --runtime-arg=/run/oci-log -l k8s-file:/log', []],
  ['conmon --runtime-arg --root --runtime-arg=/run/here --runtime-arg --log --runtime-arg=/l', ['--root', '/run/here']],
  ['conmon --runtime-arg --log-format --runtime-arg json --runtime-arg --systemd-cgroup', ['--systemd-cgroup']],
];
for (const [conmon, runtime] of cases) {
  test(`${conmon} calls its runtime with ${runtime.join(' ') || 'nothing'} of its own`, () => {
    assert.deepEqual(runtimeArgs(conmon.split(' ')), runtime);
  });
}
