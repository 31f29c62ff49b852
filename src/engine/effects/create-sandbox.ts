import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { hasCode, messageOf } from '../../support/errors.ts';
import type { EngineContext } from '../engine-context.ts';
import type { Action } from '../plan/action.ts';
import type { PodMemory } from '../pod/pod-memory.ts';
import { podLabel } from '../pod/spec-containers.ts';
import { type Dns, parseResolvConf, wantsClusterDns } from '../sandbox/dns.ts';
import { sandboxSpec } from '../sandbox/sandbox-spec.ts';
import { isUnanswered } from '../unanswered.ts';
import type { EffectKit } from './effect-kit.ts';

/** Makes the pod's sandbox; one of this name that is there already is taken as it is. */
export function beginSandbox(
  kit: EffectKit,
  memory: PodMemory,
  { attempt, replaces }: Extract<Action, { readonly kind: 'create-sandbox' }>,
): void {
  const { context, view } = kit;
  const { pod } = memory;
  if (replaces) {
    const message = 'Pod sandbox changed, it will be killed and re-created.';
    kit.record(memory, { type: 'Normal', reason: 'SandboxChanged', message });
  }
  warnOfMissingDns(kit, memory);
  kit.task(memory, 'sandbox', {
    work: async (signal) => {
      const spec = sandboxSpec(pod, attempt, {
        owner: context.owner,
        node: context.node,
        machine: { hostname: hostname(), dns: await hostDns() },
      });
      await kit.tools.starts.use({ signal }, () => runOnce(context, spec, kit.signal));
      memory.holds.delete('sandbox');
      view.touchSandboxes(memory.ref);
    },
    failed: (error) => {
      view.touchSandboxes(memory.ref);
      kit.hold(memory, 'sandbox', error);
      if (isUnanswered(error)) return;
      const message = `Failed to create pod sandbox: ${messageOf(error)}`;
      kit.record(memory, { type: 'Warning', reason: 'FailedCreatePodSandBox', message });
    },
  });
}

/** What is begun is finished, whether or not the pod is wanted any more: a sandbox half made would be nobody's. */
async function runOnce(
  { runtime }: EngineContext,
  spec: ReturnType<typeof sandboxSpec>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await runtime.runSandbox(spec, { signal });
  } catch (error) {
    if (!hasCode(error, 'AlreadyExists')) throw error;
  }
}

function warnOfMissingDns(kit: EffectKit, memory: PodMemory): void {
  const { pod } = memory;
  if (!wantsClusterDns(pod) || kit.context.node.clusterDnsIp !== undefined) return;
  const message =
    `pod: "${podLabel(pod)}". kubelet does not have ClusterDNS IP configured and cannot create Pod using ` +
    `"${pod.spec?.dnsPolicy ?? 'ClusterFirst'}" policy. Falling back to "Default" policy.`;
  kit.record(memory, { type: 'Warning', reason: 'MissingClusterDNS', message });
}

/** systemd-resolved's own file has the real servers, where /etc/resolv.conf names its stub, which pods cannot reach. */
async function hostDns(): Promise<Dns> {
  for (const path of ['/run/systemd/resolve/resolv.conf', '/etc/resolv.conf']) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return parseResolvConf(text);
  }
  return { servers: [], searches: [], options: [] };
}
