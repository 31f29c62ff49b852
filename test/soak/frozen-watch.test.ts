import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cluster, isReady, Stage } from '../e2e/harness.ts';
import { TcpProxy } from '../e2e/tcp-proxy.ts';
import { apiServerAddress, kubeconfigThrough } from '../e2e/through-proxy.ts';

test('a pod created 5 minutes after the watch froze is Ready within 30 s', async (context) => {
  const stage = await Stage.set(context);
  await using proxy = await TcpProxy.listen(apiServerAddress());
  await stage.startNode({ kubeconfig: await kubeconfigThrough(proxy, stage.nodeName) });
  proxy.freeze();
  await delay(5 * 60_000);
  await cluster.apply([stage.pod('p', { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '1000'] }] })]);
  await stage.untilPod('p', 'ready', isReady, 30_000);
});
