import { echoProvider } from '../../src/kubelet-api/testing/echo-provider.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from '../../src/kubelet-api/testing/kubelet-api.ts';

/** A kubelet API in a process of its own, so that its memory is its own. Told `collect`, it frees what it can and says what is left. */
const { parts, record } = echoProvider();
const kubelet = await TestKubeletApi.start({ provider: testProvider(parts) });
kubelet.api.users.set('good', { username: 'prometheus' });
const web = testPod('web');
kubelet.pods.add(web, runningObserved(web));
// A list that is larger than what sockets hold, for who does not read it.
for (let number = 0; number < 20_000; number++) {
  const { metadata, ...pod } = testPod(`filler-${number}`);
  kubelet.pods.add({ ...pod, metadata: { ...metadata, annotations: { filler: 'x'.repeat(1024) } } });
}
process.on('message', () => {
  globalThis.gc?.();
  process.send?.({ running: record.running, heapBytes: process.memoryUsage().heapUsed });
});
process.send?.({ port: kubelet.port, admin: kubelet.admin });
