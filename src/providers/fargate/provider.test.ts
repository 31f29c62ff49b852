import { describeProviderConformance } from '../../provider/testing/conformance.ts';
import { FargateBed } from './testing/fargate-bed.ts';

describeProviderConformance('aws', async () => {
  const bed = await FargateBed.start();
  const container = (name: string, ...args: string[]) => ({ name, image: 'busybox', args });
  return {
    createProvider: () => bed.createProvider(),
    longRunning: (name) => container(name),
    exiting: (name, exitCode) => container(name, 'exit', String(exitCode)),
    stubborn: (name) => container(name, 'stubborn'),
    survivesRestart: true,
    leftovers: async (uid) => (await bed.liveTasksOf(uid)).map(({ taskArn }) => taskArn),
    close: () => bed.stop(),
  };
});
