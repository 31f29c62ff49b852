import type { CallCounts } from './fargate-server.ts';
import type { FargateStage } from './fargate-stage.ts';

/** What AWS was asked while a Deployment came up. */
export interface RolloutFigures {
  readonly replicas: number;
  readonly seconds: number;
  readonly calls: Readonly<Record<string, CallCounts>>;
}

/** Counts the calls from a Deployment's making until all its replicas are ready. Its node has to be ready before. */
export async function measureRollout(
  ours: FargateStage,
  { replicas, timeoutSeconds }: { readonly replicas: number; readonly timeoutSeconds: number },
): Promise<RolloutFigures> {
  await ours.fargate.clearCalls();
  const startedMs = performance.now();
  await ours.deploy('rollout', { name: 'nginx', image: 'nginx' }, { replicas });
  await ours.untilRolledOut('rollout', timeoutSeconds);
  const seconds = (performance.now() - startedMs) / 1000;
  const calls = Object.entries(await ours.fargate.calls()).filter(([, counts]) => counts.calls > 0);
  return { replicas, seconds, calls: Object.fromEntries(calls) };
}
