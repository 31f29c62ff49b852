import { ListedEnding } from '../test/e2e/fargate-ending.ts';
import { measureRollout } from '../test/e2e/fargate-rollout.ts';
import { FargateServer } from '../test/e2e/fargate-server.ts';
import { FargateStage } from '../test/e2e/fargate-stage.ts';

/**
 * How often AWS is asked until a Deployment of a hundred is ready: real containers, on local Fargate with AWS's
 * documented rates, with tasks that start as slowly as Fargate's and as fast as this machine can. Fails where it is more
 * often than docs/bench.md promises, or where a pod has not exactly one task.
 */
const replicas = 100;
const timeoutSeconds = 400;
/** Calls for each pod; of RegisterTaskDefinition, in all. */
const promised = { runTask: 1.2, describeTasks: 0.2, registerTaskDefinition: 1 };

const fargate = await FargateServer.start();
try {
  for (const startLatency of ['real', 'none'] as const) {
    const ending = new ListedEnding();
    await measure(startLatency, ending).finally(() => ending.come());
  }
} finally {
  await fargate.stop();
}

async function measure(startLatency: 'real' | 'none', ending: ListedEnding): Promise<void> {
  const ours = await FargateStage.set(ending, fargate, ['Pods = "200"', 'CPU = "200"', 'Memory = "200Gi"']);
  await fargate.turnSwitches({ startLatency });
  await ours.startNode();
  const { seconds, calls } = await measureRollout(ours, { replicas, timeoutSeconds });
  process.stdout.write(`${replicas} pods, start latency ${startLatency}: Ready after ${seconds.toFixed(1)} s\n`);
  for (const [operation, counts] of Object.entries(calls)) {
    const perPod = (counts.calls / replicas).toFixed(2);
    process.stdout.write(`  ${operation}: ${counts.calls} (${perPod} a pod), throttled ${counts.throttled}\n`);
  }
  const counted = (name: string): number => calls[`ecs:${name}`]?.calls ?? 0;
  const live = await ours.tasks('RUNNING');
  const problems = [
    counted('RegisterTaskDefinition') > promised.registerTaskDefinition && 'too many calls of RegisterTaskDefinition',
    counted('RunTask') > promised.runTask * replicas && 'too many calls of RunTask',
    counted('DescribeTasks') > promised.describeTasks * replicas && 'too many calls of DescribeTasks',
    new Set(live.map(({ startedBy }) => startedBy)).size !== replicas && 'not each pod has a task',
    live.length !== replicas && `${live.length} tasks`,
  ].filter((problem) => problem !== false);
  for (const problem of problems) process.stdout.write(`  ✖ ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
  await fargate.turnSwitches({ startLatency: 'none' });
}
