import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError, type ErrorCode } from '../support/errors.ts';
import { FakeClock } from '../support/testing/fake-clock.ts';
import { instrumentProvider } from './instrumented-provider.ts';
import type { Provider } from './provider.ts';
import { loadProvider, providerNames } from './registry.ts';
import { FaultyProvider } from './testing/faulty-provider.ts';

const { signal } = new AbortController();
const ref = { namespace: 'default', name: 'web', uid: 'uid-1' };

function providerThat(deletePod: () => Promise<void>): Provider {
  const { capabilities } = { capabilities: {} as Provider['capabilities'] };
  return {
    name: 'stub',
    capabilities,
    describeNode: async () => ({ capacity: {}, architecture: 'amd64', containerRuntimeVersion: 'stub://1' }),
    ping: async () => {},
    run: async () => {},
    createPod: async () => {},
    updatePod: async () => {},
    deletePod,
    releasePod: async () => {},
    listPods: async () => [],
  };
}

for (const [outcome, error] of [
  ['ok', undefined],
  ['NotFound', new CodedError('NotFound', 'gone')],
  ['Internal', new TypeError('a defect')],
] as const) {
  test(`an operation that ends with ${outcome} is measured as such, and its answer passed on`, async () => {
    const clock = new FakeClock();
    const ended: [string, 'ok' | ErrorCode, number][] = [];
    const provider = instrumentProvider(
      providerThat(async () => {
        await clock.advance(250);
        if (error) throw error;
      }),
      { clock, observer: { operationEnded: (...args) => ended.push(args) } },
    );
    const call = provider.deletePod(ref, { gracePeriodSeconds: 1, signal });
    if (error) await assert.rejects(call, error);
    else await call;
    assert.deepEqual(ended, [['deletePod', outcome, 250]]);
  });
}

test('a wrapped provider without logs offers none', () => {
  const provider = instrumentProvider(
    providerThat(async () => {}),
    { clock: new FakeClock(), observer: { operationEnded: () => {} } },
  );
  assert.equal(provider.logs, undefined);
});

test('a faulty provider fails as often as told, before or after the deed', async () => {
  let deleted = 0;
  const faulty = new FaultyProvider(
    providerThat(async () => {
      deleted += 1;
    }),
  );
  const error = new CodedError('Unavailable', 'down');
  faulty.fail({ operation: 'deletePod', error });
  faulty.fail({ operation: 'deletePod', error, when: 'after', uid: ref.uid });
  const options = { gracePeriodSeconds: 1, signal };
  await assert.rejects(faulty.provider.deletePod(ref, options), error);
  assert.equal(deleted, 0);
  await assert.rejects(faulty.provider.deletePod(ref, options), error);
  assert.equal(deleted, 1);
  await faulty.provider.deletePod(ref, options);
  assert.equal(faulty.count('deletePod', ref.uid), 3);
});

test('an unknown provider is answered with the known ones', async () => {
  await assert.rejects(loadProvider('paper'), new RegExp(`paper.*${providerNames.join(', ')}`));
});

for (const name of providerNames) {
  test(`provider ${name} can be loaded and says what it can`, async () => {
    const { createProvider, capabilities } = await loadProvider(name);
    assert.equal(typeof createProvider, 'function');
    assert.ok(Object.keys(capabilities).length > 0);
  });
}
