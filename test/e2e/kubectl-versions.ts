import { delimiter, dirname } from 'node:path';
import type { TestContext } from 'node:test';
import { ensureBinary } from '../cluster/binaries.ts';
import { kubectlSource } from '../cluster/tool-sources.ts';
import { Stage } from './harness.ts';
import type { Transport } from './kubectl-process.ts';
import { startTargets, type Trial, tryVerbs } from './kubectl-verbs.ts';

/** Since when kubectl speaks WebSocket without being told to, for commands and port-forward alike. */
const firstMinorWithWebSocket = 31;

/** A kubectl of this version instead of the cluster's own, speaking as it does where nobody says otherwise. */
export async function kubectlOf(version: string, { signal }: { readonly signal: AbortSignal }): Promise<Transport> {
  const progress = (line: string): void => void process.stdout.write(`  ${line}\n`);
  const binary = await ensureBinary(kubectlSource(version), { progress, signal });
  return {
    name: Number(version.split('.')[1]) >= firstMinorWithWebSocket ? 'websocket' : 'spdy',
    environment: { PATH: [dirname(binary), process.env['PATH']].join(delimiter) },
  };
}

/** Tries every verb that reaches a node with kubectls of these versions. */
export async function tryVersions(context: TestContext, versions: readonly string[]): Promise<void> {
  const kubectls = new Map<string, Transport>();
  for (const version of versions) kubectls.set(version, await kubectlOf(version, context));
  const stage = await Stage.set(context);
  await stage.startNode();
  const trials = Array.from(
    kubectls,
    ([version, transport]) =>
      [version, { stage, transport, reader: `reader-${version.replaceAll('.', '-')}` }] satisfies [string, Trial],
  );
  await startTargets(
    stage,
    trials.map(([, trial]) => trial),
  );
  for (const [version, trial] of trials) {
    await context.test(`kubectl ${version}`, (of) => tryVerbs(of, trial));
  }
}
