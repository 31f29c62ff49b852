import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaseClock, systemClock, type Timer } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { createBudgets } from './aws/budgets.ts';
import { AwsCaller } from './aws/caller.ts';
import { createClients } from './aws/clients.ts';
import { parseFargateConfig } from './config.ts';
import { DefinitionRegistry } from './definitions/definition-registry.ts';
import { EcsApi } from './ecs/ecs-api.ts';
import { GarbageCollector, type InUse } from './garbage-collector.ts';
import { digest } from './resolve/secret-entry.ts';
import { SecretStore } from './secrets/secret-store.ts';
import { FargateBed } from './testing/fargate-bed.ts';

const { signal } = new AbortController();
const hourMs = 3_600_000;

/** The machine's clock, ahead of time. */
class AheadClock extends BaseClock {
  aheadMs = 0;

  now(): number {
    return systemClock.now() + this.aheadMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    return systemClock.after(delayMs, callback);
  }
}

test('definitions and secrets that no pod needs are removed after an hour, and no others', async (t) => {
  const bed = await FargateBed.start();
  t.after(() => bed.stop());
  const clock = new AheadClock();
  const config = parseFargateConfig(
    `Region = "us-east-1"\nSubnets = ["subnet-1"]\nEndpoint = "${bed.fargate.endpoint}"`,
    {},
  );
  const clients = await createClients(config);
  const budgets = createBudgets(clock);
  const caller = new AwsCaller({ clock, random: () => 0 });
  const ecs = new EcsApi({ ecs: clients.ecs, cluster: 'default', budgets, caller });
  const definitions = new DefinitionRegistry({ ecs, clock });
  const secrets = new SecretStore({ secrets: clients.secrets, budgets, caller, clock, tags: {} });
  const used: InUse = { families: new Set(['vk-me-used']), entries: new Set(['vk/me/used']) };
  const prefixes = { familyPrefix: 'vk-me', entryPrefix: 'vk/me' };
  const collector = new GarbageCollector({
    ecs,
    definitions,
    secrets,
    budgets,
    clock,
    log: silentLogger,
    ...prefixes,
    inUse: () => used,
  });

  const register = (family: string): Promise<string> =>
    definitions.arnOf({ family, containerDefinitions: [{ name: 'a', image: 'busybox', memory: 64 }] }, { signal });
  const write = (name: string): Promise<unknown> =>
    secrets.ensure([{ name, version: digest(name), values: { a: 'b' } }], { signal });
  const active = async (): Promise<string[]> => (await ecs.listFamilies('', 'ACTIVE', { signal })).sort();
  const entries = async (): Promise<string[]> => (await secrets.list('', { signal })).sort();

  for (const name of ['vk-me-used', 'vk-me-old', 'vk-me-young', 'vk-other-old']) await register(name);
  for (const name of ['vk/me/used', 'vk/me/old', 'vk/me/young', 'vk/other/old']) await write(name);
  await collector.collect({ signal });
  assert.equal((await active()).length, 4, 'everything is young');
  assert.equal((await entries()).length, 4, 'everything is young');

  clock.aheadMs = 2 * hourMs;
  await register('vk-me-young');
  await write('vk/me/young');
  await collector.collect({ signal });
  assert.deepEqual(await active(), ['vk-me-used', 'vk-me-young', 'vk-other-old']);
  assert.deepEqual(await entries(), ['vk/me/used', 'vk/me/young', 'vk/other/old']);

  await collector.collect({ signal });
  assert.deepEqual(await ecs.listRevisions('vk-me-old', 'INACTIVE', { signal }), [], 'it has been deleted');
  assert.match(await register('vk-me-old'), /vk-me-old:2$/, 'it can be wanted again');
  await write('vk/me/old');
  assert.ok((await entries()).includes('vk/me/old'));
});
