import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ContainerStatus, Pod } from '../kubernetes/objects.ts';
import type { ObservedState, ObservedTerminated } from '../podspec/status/observed.ts';
import { whyNoLog } from './log-availability.ts';
import { runningObserved, testPod } from './testing/kubelet-api.ts';

const pod = testPod('web');
const ended: ObservedTerminated = { kind: 'terminated', exitCode: 1, reason: 'Error' };
const waiting = (reason: string): ObservedState => ({ kind: 'waiting', reason });
const running: ObservedState = { kind: 'running', startedAtMs: 0 };

describe('a container that the provider has told of', () => {
  const table: readonly [
    name: string,
    state: ObservedState,
    last: ObservedTerminated | undefined,
    previous: boolean,
    why: string | undefined,
  ][] = [
    ['runs', running, undefined, false, undefined],
    ['has ended', ended, undefined, false, undefined],
    [
      'is being created',
      waiting('ContainerCreating'),
      undefined,
      false,
      'container "app" in pod "web" is waiting to start: ContainerCreating',
    ],
    [
      'lacks its image',
      waiting('ErrImagePull'),
      undefined,
      false,
      'container "app" in pod "web" is waiting to start: image can\'t be pulled',
    ],
    [
      'still lacks its image',
      waiting('ImagePullBackOff'),
      undefined,
      false,
      'container "app" in pod "web" is waiting to start: trying and failing to pull image',
    ],
    ['crashes again and again', waiting('CrashLoopBackOff'), ended, false, undefined],
    [
      'runs and never ran before',
      running,
      undefined,
      true,
      'previous terminated container "app" in pod "web" not found',
    ],
    ['runs again', running, ended, true, undefined],
  ];
  for (const [name, state, last, previous, why] of table) {
    test(`${name}${previous ? ', asked for the attempt before' : ''}: ${why ?? 'has a log'}`, () => {
      const observed = runningObserved(pod);
      const containers = observed.containers.map((container) => ({
        ...container,
        state,
        ...(last === undefined ? {} : { lastTerminated: last }),
      }));
      assert.equal(whyNoLog({ pod, observed: { ...observed, containers }, container: 'app', previous }), why);
    });
  }

  test('that it has not created yet waits in the words that its status shows', () => {
    const observed = { ...runningObserved(pod), containers: [] };
    const why = (pod: Pod): string | undefined => whyNoLog({ pod, observed, container: 'app', previous: false });
    assert.match(why(pod) ?? '', /waiting to start: ContainerCreating$/);
    const init = [{ name: 'init', resources: {} }];
    assert.match(why({ ...pod, spec: { containers: [], initContainers: init } }) ?? '', /to start: PodInitializing$/);
  });
});

test('a container that was refused says why, for there will never be a log', () => {
  const terminated = { exitCode: 128, reason: 'UnsupportedPodSpec', message: 'this node cannot' };
  const status = { name: 'debug', state: { terminated }, image: '', imageID: '', ready: false, restartCount: 0 };
  const refused = { ...pod, status: { ephemeralContainerStatuses: [status] } };
  const question = { pod: refused, observed: runningObserved(pod), container: 'debug', previous: false };
  assert.equal(whyNoLog(question), 'container "debug" in pod "web" was not started: this node cannot');
});

describe('a container of which only the API server knows', () => {
  const why = (status: Partial<ContainerStatus>, previous = false): string | undefined => {
    const whole = { name: 'app', image: '', imageID: '', ready: false, restartCount: 0, ...status };
    const withStatus = { ...pod, status: { containerStatuses: [whole] } };
    return whyNoLog({ pod: withStatus, observed: undefined, container: 'app', previous });
  };
  test('has a log where it ran', () => {
    assert.equal(why({ state: { running: {} } }), undefined);
    assert.equal(why({ state: { terminated: { exitCode: 0 } } }), undefined);
    assert.equal(why({ state: { waiting: {} }, lastState: { terminated: { exitCode: 1 } } }), undefined);
    assert.equal(why({ state: { running: {} }, lastState: { terminated: { exitCode: 1 } } }, true), undefined);
  });
  test('has none where it never did', () => {
    assert.match(why({ state: { waiting: { reason: 'PodInitializing' } } }) ?? '', /to start: PodInitializing$/);
    assert.match(why({}) ?? '', /to start: no logs yet$/);
    assert.match(why({ state: { running: {} } }, true) ?? '', /^previous terminated container "app"/);
  });
  test('is not available where there is no status', () => {
    const answer = whyNoLog({ pod, observed: undefined, container: 'app', previous: false });
    assert.equal(answer, 'container "app" in pod "web" is not available');
  });
});
