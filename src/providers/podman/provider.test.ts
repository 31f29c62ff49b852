import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { hostMounts } from '../../engine/disk/mounts.ts';
import { memoryFolder } from '../../engine/disk/pod-folder.ts';
import { fakeReferences } from '../../engine/testing/engine-harness.ts';
import type { Container } from '../../kubernetes/objects.ts';
import { describeProviderConformance } from '../../provider/testing/conformance.ts';
import { noPodman, PodmanService } from '../../runtime/libpod/testing/podman-service.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createProvider } from './provider.ts';

const busybox = (name: string, script: string): Container => ({
  name,
  image: 'busybox',
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
});

describe('the Podman provider', { skip: noPodman, timeout: 180_000 }, () => {
  describeProviderConformance('podman', async () => {
    const service = await PodmanService.start();
    const rootDir = mkdtempSync(join(tmpdir(), 'podman-provider-'));
    return {
      createProvider: () =>
        createProvider({
          nodeName: 'node',
          clusterId: 'cluster',
          configFile: undefined,
          environment: { CONTAINER_HOST: `unix://${service.socketPath}` },
          nodeIp: '10.0.0.1',
          operatingSystem: 'linux',
          clusterDomain: 'cluster.local',
          clusterDnsIp: undefined,
          rootDir,
          references: fakeReferences(),
          recordEvent: () => {},
          clock: systemClock,
          log: silentLogger,
        }),
      longRunning: (name) => busybox(name, 'trap "exit 0" TERM; sleep 3600 & wait'),
      exiting: (name, exitCode) => busybox(name, `exit ${exitCode}`),
      stubborn: (name) => busybox(name, 'trap "" TERM; while true; do sleep 1; done'),
      printing: (name, line) => busybox(name, `echo ${line}`),
      survivesRestart: true,
      leftovers: async (uid) => {
        const containers = await service.run(['podman', 'ps', '--all', '--format', '{{.Names}}']);
        return containers.split('\n').filter((name) => name.includes(uid));
      },
      close: async () => {
        await service[Symbol.asyncDispose]();
        await hostMounts.unmount(memoryFolder(rootDir));
        await rm(rootDir, { recursive: true, force: true });
      },
    };
  });
});
