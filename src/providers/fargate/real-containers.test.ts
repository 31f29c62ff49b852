import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import type { Container } from '../../kubernetes/objects.ts';
import { TestFargate } from '../../local-fargate/testing/local-fargate.ts';
import { fakeReferences } from '../../podspec/testing/fake-references.ts';
import { describeProviderConformance } from '../../provider/testing/conformance.ts';
import { noPodman, PodmanService } from '../../runtime/libpod/testing/podman-service.ts';
import { systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createProvider } from './provider.ts';
import { useAnyCredentials } from './testing/credentials.ts';

const busybox = (name: string, script: string): Container => ({
  name,
  image: 'busybox',
  command: ['sh', '-c', script],
});

describe('the Fargate provider on real containers', { skip: noPodman, timeout: 300_000 }, () => {
  describeProviderConformance('aws on local Fargate', async () => {
    useAnyCredentials();
    const service = await PodmanService.start();
    const fargate = await new TestFargate(service.runtime(), {}).start();
    const folder = mkdtempSync(join(tmpdir(), 'fargate-provider-'));
    const configFile = join(folder, 'fargate.toml');
    writeFileSync(
      configFile,
      `
      Region = "us-east-1"
      Subnets = ["subnet-1"]
      Endpoint = "${fargate.endpoint}"
      ExecutionRoleArn = "arn:aws:iam::000000000000:role/execution"
      CloudWatchLogGroupName = "/pods"
      LogOptions = { awslogs-create-group = "true" }
      `,
    );
    return {
      createProvider: () =>
        createProvider({
          nodeName: 'node',
          clusterId: 'cluster',
          configFile,
          environment: {},
          nodeIp: '10.0.0.1',
          operatingSystem: 'linux',
          clusterDomain: 'cluster.local',
          clusterDnsIp: undefined,
          rootDir: folder,
          references: fakeReferences({}),
          recordEvent: () => {},
          clock: systemClock,
          log: silentLogger,
        }),
      longRunning: (name) => busybox(name, 'trap "exit 0" TERM; sleep 3600 & wait'),
      exiting: (name, exitCode) => busybox(name, `exit ${exitCode}`),
      printing: (name, line) => busybox(name, `echo ${line}`),
      survivesRestart: true,
      leftovers: async (uid) => {
        const { taskArns } = await fargate.ok('ecs', 'ListTasks', { startedBy: uid });
        return taskArns as string[];
      },
      close: async () => {
        await fargate[Symbol.asyncDispose]();
        await service[Symbol.asyncDispose]();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
});
