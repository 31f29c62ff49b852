import type { Sandbox, SandboxSpec } from '../../runtime/runtime.ts';
import { CodedError, hasCode } from '../../support/errors.ts';
import { hostnameOf, labels, sandboxName } from './labels.ts';
import type { LiveTask } from './live-task.ts';
import type { Task } from './task.ts';
import { TaskFailure } from './task-failure.ts';

/** PROVISIONING: the task's network interface, which is a sandbox with an address. */
export async function provision(live: LiveTask, signal: AbortSignal): Promise<void> {
  const { deps, task } = live;
  if (task.desiredStatus === 'STOPPED') {
    live.change({ status: 'DEPROVISIONING' });
    return;
  }
  const wanted = live.whileWanted(signal);
  await live.pause(wanted);
  const failure = deps.switches.takeStartFailure();
  if (failure !== undefined) throw new TaskFailure(failure);
  const sandbox = await ensureSandbox(live, wanted);
  const privateIp = sandbox.ips[0];
  if (privateIp === undefined) throw new CodedError('Internal', `sandbox ${sandbox.name} has no address`);
  live.change({
    status: 'PENDING',
    network: { ...task.network, status: 'ATTACHED', privateIp },
    connectedAtMs: deps.clock.now(),
  });
}

async function ensureSandbox(live: LiveTask, signal: AbortSignal): Promise<Sandbox> {
  const { runtime, instance } = live.deps;
  const spec: SandboxSpec = {
    name: sandboxName(live.id),
    labels: { [labels.instance]: instance, [labels.task]: live.id },
    hostname: hostnameOf(live.id),
    hostNetwork: false,
    sharePids: live.definition.pidMode === 'task',
    sysctls: Object.fromEntries(
      live.containers
        .flatMap(({ systemControls }) => systemControls)
        .flatMap(({ namespace, value }) => (namespace && value ? [[namespace, value]] : [])),
    ),
    hostPorts: [],
    resources: taskSize(live.task),
  };
  try {
    return await runtime.runSandbox(spec, { signal });
  } catch (error) {
    if (!hasCode(error, 'AlreadyExists')) throw error;
    const existing = await findSandbox(live, signal);
    if (existing?.ready) return existing;
    if (existing) await runtime.removeSandbox(existing.id, { signal });
    return runtime.runSandbox(spec, { signal });
  }
}

const periodUs = 100_000;
const cpuUnits = 1024;
const mib = 2 ** 20;

/** What all containers of a task have together, whatever each of them is allowed. */
function taskSize({ cpu, memory }: Task): NonNullable<SandboxSpec['resources']> {
  return {
    cpuShares: Number(cpu),
    cpuPeriodUs: periodUs,
    cpuQuotaUs: Math.round((Number(cpu) / cpuUnits) * periodUs),
    memoryLimitBytes: Number(memory) * mib,
  };
}

export async function findSandbox(live: LiveTask, signal: AbortSignal): Promise<Sandbox | undefined> {
  const { runtime, instance } = live.deps;
  const found = await runtime.listSandboxes({ [labels.instance]: instance, [labels.task]: live.id }, { signal });
  return found[0];
}
