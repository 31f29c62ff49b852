import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Runtime } from '../../runtime/runtime.ts';
import type { FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import { systemClock } from '../../support/clock.ts';
import { definitionInput, runInput } from '../testing/definitions.ts';
import { eventually, fakeRuntime, TestFargate } from '../testing/local-fargate.ts';

/** More calls of the runtime than a task takes from its start to its end. */
const maxCalls = 40;

/** The runtime, but for one call that never comes back to the caller, before or after it has had its effect. */
class Hanging {
  readonly runtime: Runtime;
  hung = false;
  #calls = 0;

  constructor(inner: FakeRuntime, at: { readonly call: number; readonly after: boolean }) {
    const hang = ({ signal }: { readonly signal: AbortSignal }): Promise<never> => {
      this.hung = true;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    };
    this.runtime = new Proxy<Runtime>(inner, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver);
        if (typeof member !== 'function' || name === 'events' || name === 'listSandboxes') {
          return typeof member === 'function' ? member.bind(target) : member;
        }
        return async (...args: readonly unknown[]): Promise<unknown> => {
          const hangs = ++this.#calls === at.call && !this.hung;
          const options = args.at(-1) as { readonly signal: AbortSignal };
          if (hangs && !at.after) await hang(options);
          const result: unknown = await (member as (...args: readonly unknown[]) => Promise<unknown>).apply(target, [
            ...args,
          ]);
          if (hangs) await hang(options);
          return result;
        };
      },
    });
  }
}

async function statusOf(fargate: TestFargate, arn: string): Promise<string | undefined> {
  const { tasks } = await fargate.ok('ecs', 'DescribeTasks', { tasks: [arn] });
  return (tasks as { lastStatus: string }[])[0]?.lastStatus;
}

for (const after of [false, true]) {
  test(`a task survives our end ${after ? 'after' : 'before'} any call of the engine, and runs once`, async (t) => {
    let hits = 0;
    for (let call = 1; call < maxCalls; call++) {
      const runtime = fakeRuntime(systemClock);
      const hanging = new Hanging(runtime, { call, after });
      const fargate = await new TestFargate(hanging.runtime, {}).start();
      t.after(() => fargate[Symbol.asyncDispose]());
      await fargate.ok('ecs', 'CreateCluster');
      await fargate.ok('ecs', 'RegisterTaskDefinition', definitionInput([{ name: 'app' }, { name: 'aside' }]));
      const { tasks } = await fargate.ok('ecs', 'RunTask', runInput);
      const arn = (tasks as { taskArn: string }[])[0]?.taskArn ?? '';
      const reaches = async (status: string): Promise<void> => {
        const restarts = await eventually(`${status} after call ${call}`, async () => {
          if ((await statusOf(fargate, arn)) === status) return 'reached';
          return hanging.hung ? 'hung' : undefined;
        });
        if (restarts === 'reached') return;
        hits++;
        await fargate.stop();
        hanging.hung = false;
        await fargate.start();
        await eventually(`${status} after the restart at call ${call}`, async () =>
          (await statusOf(fargate, arn)) === status ? true : undefined,
        );
      };
      await reaches('RUNNING');
      assert.equal(runtime.sandboxes.length, 1, `one network at call ${call}`);
      assert.equal(runtime.containers.length, 2, `each container once at call ${call}`);
      await fargate.ok('ecs', 'StopTask', { task: arn });
      await reaches('STOPPED');
      assert.deepEqual([runtime.sandboxes, runtime.containers], [[], []], `nothing is left at call ${call}`);
      await fargate.stop();
    }
    assert.ok(hits > 15, `only ${hits} calls were hit`);
  });
}
