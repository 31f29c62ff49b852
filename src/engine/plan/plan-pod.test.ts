import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, EphemeralContainer, Pod } from '../../kubernetes/objects.ts';
import type { ActualPod, Attempt, PodSandbox } from '../pod/actual-pod.ts';
import type { PodNotes, StopProgress } from '../pod/notes.ts';
import { containersOf } from '../pod/spec-containers.ts';
import type { Action, Plan } from './action.ts';
import { planPod } from './plan-pod.ts';

const nowMs = 1_000_000;
const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'app:1', ...more });

/**
 * A container on the runtime: `a running`, `a created`, `a exited 3`; `#2` its attempt, `@old` its sandbox, `-60s` how
 * long ago it ended, `~20s` the wait it carries.
 */
function attempt(words: string, pod: Pod): Attempt {
  const [name = '', kind] = words.split(' ');
  const found = containersOf(pod).find((each) => each.container.name === name);
  assert.ok(found, words);
  const number = (pattern: RegExp): number => Number(pattern.exec(words)?.[1] ?? 0);
  const endedMs = nowMs - number(/-(\d+)s/) * 1000;
  const states = {
    created: { kind: 'created' },
    running: { kind: 'running', startedAtMs: 0, pid: 1 },
    exited: {
      kind: 'exited',
      startedAtMs: 0,
      finishedAtMs: endedMs,
      exitCode: number(/exited (\d+)/),
      oomKilled: false,
    },
  } as const;
  const state = states[kind as keyof typeof states];
  assert.ok(state, words);
  return {
    id: `${name}#${number(/#(\d+)/)}`,
    name,
    role: found.role,
    position: found.position,
    attempt: number(/#(\d+)/),
    sandboxId: /@(\w+)/.exec(words)?.[1] ?? 'now',
    backoffMs: number(/~(\d+)s/) * 1000,
    image: /image=(\S+)/.exec(words)?.[1] ?? 'app:1',
    imageName: '',
    imageRef: '',
    graceSeconds: 30,
    createdAtMs: endedMs,
    state,
  };
}

interface Case {
  readonly policy?: string;
  readonly init?: readonly Container[];
  readonly main?: readonly Container[];
  readonly ephemeral?: readonly EphemeralContainer[];
  readonly spec?: Partial<NonNullable<Pod['spec']>>;
  readonly attempts?: readonly string[];
  /** Default: one that is ready, `now`. */
  readonly sandboxes?: readonly PodSandbox[];
  readonly notes?: Partial<PodNotes>;
  readonly plan: readonly string[];
  readonly stage?: Plan['stage'];
  readonly failure?: string;
  /** In seconds from now. */
  readonly next?: number;
}

const ready: PodSandbox = { id: 'now', attempt: 1, ready: true, ips: ['10.0.0.1'] };
const dead: PodSandbox = { ...ready, ready: false, ips: [] };
const stop = (id: string, progress: Partial<StopProgress>): Partial<PodNotes> => ({
  stops: new Map([[id, { deadlineMs: nowMs + 9000, hook: 'none', signalledDeadlineMs: undefined, ...progress }]]),
});
const deleted = (graceSeconds: number): Partial<PodNotes> => ({
  deletion: { graceSeconds, deadlineMs: nowMs + graceSeconds * 1000 },
});
const failing: Partial<PodNotes> = {
  probed: () => ({ started: true, ready: false, failed: { probe: 'liveness', graceSeconds: undefined } }),
};
const sidecar = container('s', { restartPolicy: 'Always' });
const preStop = { lifecycle: { preStop: { sleep: { seconds: 1 } } } };

const cases: Readonly<Record<string, Case>> = {
  'a new pod gets its volumes first': {
    sandboxes: [],
    notes: { volumesReady: false },
    plan: ['set-up-volumes'],
  },
  'then its sandbox': { sandboxes: [], plan: ['create-sandbox 0'] },
  'then its first container': { plan: ['start a#0'] },
  'and the next one when the first is started': {
    main: [container('a'), container('b')],
    attempts: ['a running'],
    plan: ['start b#0'],
  },
  'one container is started at a time': { notes: { busy: new Set(['start'] as const) }, plan: [] },
  'what failed is left alone until its time has come, and others are started': {
    main: [container('a'), container('b')],
    notes: { holds: new Map([['container a', { untilMs: nowMs + 5000 }]]) },
    plan: ['start b#0'],
    next: 5,
  },
  'a container that was made is started, not made again': { attempts: ['a created #2'], plan: ['start a#2 made'] },
  'one that was made in a sandbox before is made anew': { attempts: ['a created #2 @old'], plan: ['start a#3'] },
  'a running pod needs nothing': { attempts: ['a running'], plan: [] },
  'a container that ended for the first time starts again at once': {
    attempts: ['a exited 1'],
    plan: ['start a#1 ~10s'],
  },
  'one that ended again waits': { attempts: ['a exited 1 #3 ~40s -15s'], plan: [], next: 25 },
  'one that waited long enough starts, and would wait twice as long': {
    attempts: ['a exited 1 #3 ~40s -41s'],
    plan: ['start a#4 ~80s'],
  },
  'nothing waits longer than five minutes': { attempts: ['a exited 1 #9 ~300s -300s'], plan: ['start a#10 ~300s'] },
  'another image does not wait': { attempts: ['a exited 1 #3 ~40s image=app:0'], plan: ['start a#4 ~10s'] },
  'another image ends the container that runs': {
    attempts: ['a running image=app:0'],
    plan: ['signal a#0 30 restart'],
  },
  'a failed probe ends the container to start it again': {
    attempts: ['a running'],
    notes: failing,
    plan: ['signal a#0 30 restart'],
  },
  'and for good where it may not be started again': {
    policy: 'Never',
    attempts: ['a running'],
    notes: failing,
    plan: ['signal a#0 30'],
  },
  'what we stopped to start again is started whatever it exits with': {
    policy: 'OnFailure',
    attempts: ['a exited 0'],
    notes: { restartAnyway: new Set(['a#0']) },
    plan: ['start a#1 ~10s'],
  },
  'old attempts are removed but the newest two': {
    attempts: ['a running #4', 'a exited 1 #3', 'a exited 1 #2', 'a exited 1 #1'],
    plan: ['remove a#2', 'remove a#1'],
  },
  'init containers go before the others': { init: [container('i')], plan: ['start i#0'] },
  'and hold them back while they run': { init: [container('i')], attempts: ['i running'], plan: [] },
  'and until they succeed': { init: [container('i')], attempts: ['i exited 1'], plan: ['start i#1 ~10s'] },
  'the next one comes when one is done': {
    init: [container('i'), container('j')],
    attempts: ['i exited 0'],
    plan: ['start j#0'],
  },
  'what comes after proves that an init container was done, though it is gone': {
    init: [container('i'), container('j')],
    attempts: ['j running'],
    plan: [],
  },
  'a sidecar that has started lets the next one start': {
    init: [sidecar],
    attempts: ['s running'],
    plan: ['start a#0'],
  },
  'one that has not holds it back': {
    init: [sidecar],
    attempts: ['s running'],
    notes: { probed: () => ({ started: false, ready: false }) },
    plan: [],
  },
  'a sidecar that ended is started again beside the others': {
    policy: 'Never',
    init: [sidecar],
    attempts: ['s exited 0', 'a running'],
    plan: ['start s#1 ~10s'],
  },
  'an ephemeral container is started beside those that run': {
    ephemeral: [container('e')],
    attempts: ['a running'],
    plan: ['start e#0'],
  },
  'and beside init containers, which it does not wait for': {
    init: [container('i')],
    ephemeral: [container('e')],
    attempts: ['i running'],
    plan: ['start e#0'],
  },
  'it is started once, whatever it exits with and whatever the restartPolicy': {
    ephemeral: [container('e')],
    attempts: ['a running', 'e exited 1'],
    plan: [],
  },
  'and not again in another sandbox': {
    ephemeral: [container('e')],
    attempts: ['a running', 'e exited 137 @old'],
    plan: [],
  },
  'one that could not be started is not tried again, though the runtime has forgotten': {
    ephemeral: [container('e')],
    attempts: ['a running', 'e created'],
    notes: {
      history: new Map([
        [
          'e',
          { attempt: 0, id: 'e#0', imageRef: '', terminated: { exitCode: 128, reason: 'StartError', finishedAtMs: 1 } },
        ],
      ]),
    },
    plan: [],
  },
  'one that was made is started': {
    ephemeral: [container('e')],
    attempts: ['a running', 'e created'],
    plan: ['start e#0 made'],
  },
  'one that was made to see the processes of another is made anew: those may be others by now': {
    ephemeral: [{ ...container('e'), targetContainerName: 'a' }],
    attempts: ['a running', 'e created'],
    plan: ['remove e#0'],
  },
  'it sees the processes of the newest attempt of its target': {
    ephemeral: [{ ...container('e'), targetContainerName: 'a' }],
    attempts: ['a running #1', 'a exited 1'],
    plan: ['start e#0 beside a#1'],
  },
  'one that could not see its target waits no longer than until that runs again': {
    ephemeral: [{ ...container('e'), targetContainerName: 'a' }],
    attempts: ['a running #1', 'a exited 1'],
    notes: { holds: new Map([['container e', { untilMs: nowMs + 5000, targetId: 'a#0' }]]) },
    plan: ['start e#0 beside a#1'],
  },
  'and while it is the same it is left alone': {
    ephemeral: [{ ...container('e'), targetContainerName: 'a' }],
    attempts: ['a running'],
    notes: { holds: new Map([['container e', { untilMs: nowMs + 5000, targetId: 'a#0' }]]) },
    plan: [],
    next: 5,
  },
  'it keeps no pod alive': {
    policy: 'Never',
    ephemeral: [container('e')],
    attempts: ['a exited 0', 'e running'],
    plan: ['signal e#0 30'],
    stage: 'ending',
  },
  'a dead sandbox is replaced when nothing runs in it any more': {
    sandboxes: [dead],
    attempts: ['a exited 137'],
    plan: ['create-sandbox 2 replaces'],
  },
  'what runs in a dead sandbox is stopped first': {
    sandboxes: [dead],
    attempts: ['a running'],
    plan: ['signal a#0 30'],
  },
  'in a new sandbox everything starts anew, init containers that were done too': {
    init: [container('i')],
    sandboxes: [ready, { ...dead, id: 'old', attempt: 0 }],
    attempts: ['i exited 0 @old', 'a exited 137 @old'],
    plan: ['start i#1 ~10s'],
  },
  'a sandbox goes with the last container that is kept': {
    sandboxes: [ready, { ...dead, id: 'old', attempt: 0 }],
    attempts: ['a running #2', 'a exited 1 #1', 'a exited 1 #0 @old'],
    plan: ['remove a#0', 'remove-sandbox old'],
  },
  'containers that succeeded are not started in a new sandbox': {
    policy: 'OnFailure',
    main: [container('a'), container('b')],
    attempts: ['a exited 0 @old', 'b exited 1 @old'],
    plan: ['start b#1 ~10s'],
  },
  'a sandbox that dies under a pod that is never restarted ends it': {
    policy: 'Never',
    sandboxes: [dead],
    attempts: ['a running'],
    plan: ['signal a#0 30'],
    stage: 'ending',
    failure: 'PodSandboxLost',
  },
  'a pod whose containers are done is ended': {
    policy: 'OnFailure',
    attempts: ['a exited 0'],
    plan: ['stop-sandbox now'],
    stage: 'ended',
  },
  'a failed init container that may not be tried again ends the pod': {
    policy: 'Never',
    init: [container('i')],
    attempts: ['i exited 1'],
    plan: ['stop-sandbox now'],
    stage: 'ended',
  },
  'sidecars are stopped when the others are done': {
    policy: 'Never',
    init: [sidecar],
    attempts: ['s running', 'a exited 0'],
    plan: ['signal s#0 30'],
    stage: 'ending',
  },
  'a deadline that has passed ends the pod': {
    spec: { activeDeadlineSeconds: 60 },
    notes: { seenAtMs: nowMs - 60_000 },
    attempts: ['a running'],
    plan: ['signal a#0 30'],
    stage: 'ending',
    failure: 'DeadlineExceeded',
  },
  'an eviction ends the pod with a second of grace': {
    attempts: ['a running'],
    notes: { eviction: 'it has written too much' },
    plan: ['signal a#0 2'],
    stage: 'ending',
    failure: 'Evicted',
  },
  'and is why it has failed, whatever its containers exit with': {
    policy: 'Never',
    attempts: ['a exited 0'],
    notes: { eviction: 'it has written too much' },
    plan: ['stop-sandbox now'],
    stage: 'ended',
    failure: 'Evicted',
  },
  'one that is to come is awaited': {
    spec: { activeDeadlineSeconds: 60 },
    notes: { seenAtMs: nowMs },
    attempts: ['a running'],
    plan: [],
    next: 60,
  },
  'a deletion stops what runs': {
    notes: deleted(10),
    attempts: ['a running'],
    plan: ['signal a#0 10'],
    stage: 'ending',
  },
  once: {
    notes: { ...deleted(10), ...stop('a#0', { deadlineMs: nowMs + 10_000, signalledDeadlineMs: nowMs + 10_000 }) },
    attempts: ['a running'],
    plan: [],
    stage: 'ending',
  },
  'again where the grace has become shorter': {
    notes: { ...deleted(3), ...stop('a#0', { signalledDeadlineMs: nowMs + 9000 }) },
    attempts: ['a running'],
    plan: ['signal a#0 3'],
    stage: 'ending',
  },
  'a preStop hook comes before the signal': {
    main: [container('a', preStop)],
    notes: deleted(10),
    attempts: ['a running'],
    plan: ['pre-stop a#0'],
    stage: 'ending',
    next: 10,
  },
  'and is waited for': {
    main: [container('a', preStop)],
    notes: { ...deleted(10), ...stop('a#0', { hook: 'running' }) },
    attempts: ['a running'],
    plan: [],
    stage: 'ending',
    next: 9,
  },
  'no longer than the grace': {
    main: [container('a', preStop)],
    notes: { ...deleted(10), ...stop('a#0', { hook: 'running', deadlineMs: nowMs }) },
    attempts: ['a running'],
    plan: ['signal a#0 2'],
    stage: 'ending',
  },
  'and is not run where there is no grace': {
    main: [container('a', preStop)],
    notes: deleted(0),
    attempts: ['a running'],
    plan: ['signal a#0 0'],
    stage: 'ending',
  },
  'sidecars wait for the containers they serve': {
    init: [sidecar],
    notes: deleted(10),
    attempts: ['s running', 'a running'],
    plan: ['signal a#0 10'],
    stage: 'ending',
    next: 10,
  },
  'nothing is ended while something is still being started': {
    notes: { ...deleted(10), busy: new Set(['start'] as const) },
    plan: ['abandon-starts'],
    stage: 'ending',
  },
};

describe('planPod', () => {
  for (const [name, each] of Object.entries(cases)) {
    it(name, () => {
      const pod: Pod = {
        metadata: { name: 'pod', namespace: 'default', uid: 'uid' },
        spec: {
          restartPolicy: each.policy ?? 'Always',
          initContainers: [...(each.init ?? [])],
          containers: [...(each.main ?? [container('a')])],
          ...(each.ephemeral && { ephemeralContainers: [...each.ephemeral] }),
          ...each.spec,
        },
      };
      const attempts = new Map<string, Attempt[]>();
      for (const words of each.attempts ?? []) {
        const one = attempt(words, pod);
        attempts.set(one.name, [...(attempts.get(one.name) ?? []), one]);
      }
      const actual: ActualPod = {
        ref: { namespace: 'default', name: 'pod', uid: 'uid' },
        sandboxes: each.sandboxes ?? [ready],
        attempts,
      };
      const notes: PodNotes = {
        seenAtMs: nowMs,
        deletion: undefined,
        endingSinceMs: undefined,
        eviction: undefined,
        volumesReady: true,
        volumesDueAtMs: undefined,
        busy: new Set(),
        holds: new Map(),
        stops: new Map(),
        restartAnyway: new Set(),
        history: new Map(),
        probed: () => ({ started: true, ready: true }),
        ...each.notes,
      };
      const plan = planPod({ pod, actual, notes, nowMs });
      assert.deepEqual(plan.actions.map(inWords), each.plan);
      assert.equal(plan.stage, each.stage ?? 'living');
      assert.equal(plan.failure?.reason, each.failure);
      assert.equal(plan.nextAtMs, each.next === undefined ? undefined : nowMs + each.next * 1000);
    });
  }
});

function inWords(action: Action): string {
  switch (action.kind) {
    case 'create-sandbox':
      return `create-sandbox ${action.attempt}${action.replaces ? ' replaces' : ''}`;
    case 'start-container': {
      const { container: of, attempt: number, backoffMs } = action.identity;
      const wait = backoffMs > 0 ? ` ~${backoffMs / 1000}s` : '';
      const beside = action.targetId === undefined ? '' : ` beside ${action.targetId}`;
      return `start ${of.name}#${number}${action.createdId === undefined ? wait : ' made'}${beside}`;
    }
    case 'signal':
      return `signal ${action.attempt.id} ${action.graceSeconds}${action.restart ? ' restart' : ''}`;
    case 'run-pre-stop':
      return `pre-stop ${action.attempt.id}`;
    case 'remove-container':
      return `remove ${action.id}`;
    case 'stop-sandbox':
    case 'remove-sandbox':
      return `${action.kind} ${action.id}`;
    default:
      return action.kind;
  }
}
