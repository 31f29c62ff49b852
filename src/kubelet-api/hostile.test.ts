import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from '../support/random.ts';
import { echoProvider } from './testing/echo-provider.ts';
import { accepted, openAndDrop, sendFrames } from './testing/hostile-clients.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';
import { until } from './testing/until.ts';

/** A sample of test/soak/hostile.test.ts, which does it a million times. */
describe('callers with every right and bad manners', () => {
  const { parts, record } = echoProvider();
  const seed = Number(process.env['SEED'] ?? 20_261_125);
  let kubelet: TestKubeletApi;
  before(async () => {
    kubelet = await TestKubeletApi.start({ provider: testProvider(parts) });
    const web = testPod('web');
    kubelet.pods.add(web, runningObserved(web));
  });
  after(() => kubelet.stop());

  for (const transport of ['spdy', 'websocket'] as const) {
    test(`ten thousand frames of chance over ${transport} end sessions and nothing else (SEED=${seed})`, async () => {
      const { frames, connections, cut } = await sendFrames(kubelet, {
        transport,
        frames: 10_000,
        random: seededRandom(seed),
      });
      assert.ok(frames >= 10_000 && cut > connections / 2, `${frames} frames, ${cut} of ${connections} cut`);
      await until(() => record.running === 0);
      assert.equal((await kubelet.get('/healthz')).status, 200);
    });
  }

  test('three hundred sessions opened and dropped leave nothing behind', async () => {
    await openAndDrop(kubelet, 300);
    await until(() => record.running === 0);
    const socket = await accepted(kubelet, 'websocket');
    await until(() => record.running === 1);
    socket.destroy();
    await until(() => record.running === 0);
  });
});
