import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';
import { processProvider } from './testing/process-provider.ts';

describe('commands run by /run', () => {
  const { parts, record } = processProvider();
  let kubelet: TestKubeletApi;
  before(async () => {
    kubelet = await TestKubeletApi.start({ provider: testProvider(parts) });
    const web = testPod('web');
    kubelet.pods.add(web, runningObserved(web));
  });
  after(() => kubelet.stop());

  const run = (cmd: string, path = '/run/default/web/app') =>
    kubelet.get(`${path}?cmd=${encodeURIComponent(cmd)}`, { method: 'POST' });

  const table: readonly [what: string, cmd: string, status: number, text: RegExp][] = [
    ['output and errors of the command', 'ls -d / /nowhere', 500, /exited with 2: \/\n.*nowhere/s],
    ['its words, separated by spaces', 'echo a b', 200, /^a b\n$/],
    ['nothing, where it says nothing', 'true', 200, /^$/],
    ['the exit code of one that fails', 'false', 500, /^command 'false' exited with 1: $/],
    ['why it cannot be run', 'no-such-command', 500, /cannot run no-such-command/],
    ['the end of its input at once', 'cat', 200, /^$/],
    ['that it said too much', 'cat /dev/zero', 500, /more than 16777216 bytes: use exec/],
  ];
  for (const [what, cmd, status, text] of table) {
    test(`are answered with ${what}: ${cmd}`, async () => {
      const answer = await run(cmd);
      assert.equal(answer.status, status, answer.text.slice(0, 200));
      assert.match(answer.text, text);
      assert.equal(record.running, 0);
    });
  }

  test('take a UID in the path, and refuse one of another pod', async () => {
    assert.equal((await run('true', '/run/default/web/uid-web/app')).status, 200);
    assert.equal((await run('true', '/run/default/web/uid-other/app')).status, 404);
  });

  test('want a container that runs, and a POST', async () => {
    assert.equal((await run('true', '/run/default/web/other')).status, 404);
    assert.equal((await kubelet.get('/run/default/web/app?cmd=true')).status, 405);
  });
});
