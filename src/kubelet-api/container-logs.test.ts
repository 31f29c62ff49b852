import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import type { LogRequest, OperationOptions, Provider } from '../provider/provider.ts';
import { systemClock } from '../support/clock.ts';
import { CodedError, type ErrorCode } from '../support/errors.ts';
import { runningObserved, TestKubeletApi, testPod, testProvider } from './testing/kubelet-api.ts';
import { standingStill, until } from './testing/until.ts';

type ReadLogs = NonNullable<Provider['logs']>;

describe('container logs', () => {
  let kubelet: TestKubeletApi;
  let readLogs: ReadLogs;
  before(async () => {
    const logs: ReadLogs = (request, options) => readLogs(request, options);
    kubelet = await TestKubeletApi.start({ provider: testProvider({ logs }) });
    const web = testPod('web');
    kubelet.pods.add(web, runningObserved(web));
    const starting = testPod('starting');
    kubelet.pods.add(starting, { ...runningObserved(starting), containers: [] });
  });
  after(() => kubelet.stop());

  async function* bytes(...texts: string[]): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield Buffer.from(text);
  }

  test('are the provider’s bytes, and the provider is asked what the client asked', async () => {
    let asked: LogRequest | undefined;
    readLogs = async (request) => {
      asked = request;
      return bytes('one\n', 'zwei\n', '\u0000\n');
    };
    const answer = await kubelet.get('/containerLogs/default/web/app?tailLines=3&timestamps=true&limitBytes=100');
    assert.equal(answer.status, 200);
    assert.equal(answer.text, 'one\nzwei\n\u0000\n');
    assert.equal(answer.headers['transfer-encoding'], 'chunked');
    assert.deepEqual(asked, {
      pod: { namespace: 'default', name: 'web', uid: 'uid-web' },
      container: 'app',
      previous: false,
      follow: false,
      timestamps: true,
      tailLines: 3,
      limitBytes: 100,
    });
  });

  const refused: readonly [path: string, status: number, text: string][] = [
    ['/containerLogs/default/none/app', 404, 'pod "none" does not exist'],
    ['/containerLogs/other/web/app', 404, 'pod "web" does not exist'],
    ['/containerLogs/default/web/none', 404, 'container "none" not found in pod "web"'],
    [
      '/containerLogs/default/starting/app',
      400,
      'container "app" in pod "starting" is waiting to start: ContainerCreating',
    ],
    ['/containerLogs/default/web/app?previous=true', 400, 'previous terminated container "app" in pod "web" not found'],
    ['/containerLogs/default/web/app?tailLines=x', 400, '{"message": "Unable to decode query."}'],
    ['/containerLogs/default/web/app?tailLines=-1', 422, '{"message": "Invalid request."}'],
    ['/containerLogs/default/%2e%2e%2fweb/app', 400, '"../web" cannot be a pod'],
  ];
  for (const [path, status, text] of refused) {
    test(`${path} is answered ${status}: ${text}`, async () => {
      const answer = await kubelet.get(path);
      assert.equal(answer.status, status);
      assert.equal(answer.text, text);
      assert.match(String(answer.headers['content-type']), /^text\/plain/);
    });
  }

  const failures: readonly [code: ErrorCode, status: number][] = [
    ['NotFound', 400],
    ['NotImplemented', 501],
    ['Throttled', 429],
    ['Unavailable', 503],
    ['Timeout', 504],
    ['Internal', 500],
  ];
  for (const [code, status] of failures) {
    test(`a provider’s ${code} is ${status} with its words`, async () => {
      readLogs = () => Promise.reject(new CodedError(code, 'the words', { retryAfterMs: 1500 }));
      const answer = await kubelet.get('/containerLogs/default/web/app');
      assert.equal(answer.status, status);
      assert.equal(answer.text, 'the words');
    });
  }

  test('a defect of the provider is 500 and its insides stay inside', async () => {
    readLogs = () => Promise.reject(new TypeError('secret'));
    const answer = await kubelet.get('/containerLogs/default/web/app');
    assert.deepEqual([answer.status, answer.text], [500, 'internal error']);
  });

  test('an error after the first byte cuts the answer short, so that it is not taken for whole', async () => {
    readLogs = async () =>
      (async function* () {
        yield Buffer.from('begun\n');
        throw new CodedError('Unavailable', 'the engine has gone');
      })();
    await assert.rejects(kubelet.get('/containerLogs/default/web/app'), /aborted/);
  });

  /** Opens a log and gives the answer as soon as it has begun. */
  async function open(path: string): Promise<{ response: IncomingMessage; hangUp: () => void }> {
    const sent = request(kubelet.options({ path }));
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    return { response, hangUp: () => sent.destroy() };
  }

  test('a follower of a silent container is answered at once, and when it goes the provider’s read is aborted', async () => {
    let options: OperationOptions | undefined;
    readLogs = async (_request, given) => {
      options = given;
      return (async function* () {
        await systemClock.sleep(60_000, given);
        yield Buffer.from('never');
      })();
    };
    const { response, hangUp } = await open('/containerLogs/default/web/app?follow=true');
    assert.equal(response.statusCode, 200);
    assert.equal(options?.signal.aborted, false);
    hangUp();
    await until(() => options?.signal.aborted === true);
  });

  test('what the client does not take, the provider is not asked for', async () => {
    let given = 0;
    readLogs = async () =>
      (async function* () {
        for (;;) yield Buffer.alloc(64 * 1024, ++given);
      })();
    const { response, hangUp } = await open('/containerLogs/default/web/app?follow=true');
    response.pause();
    await standingStill(() => given);
    assert.ok(given * 64 < 32 * 1024, `${given} pieces of 64 KiB were read for nobody`);
    hangUp();
  });
});

test('a provider without logs is answered 501', async () => {
  const kubelet = await TestKubeletApi.start();
  const web = testPod('web');
  kubelet.pods.add(web, runningObserved(web));
  const answer = await kubelet.get('/containerLogs/default/web/app');
  await kubelet.stop();
  assert.deepEqual([answer.status, answer.text], [501, 'provider test has no logs to show']);
});
