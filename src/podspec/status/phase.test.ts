import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, ContainerStatus, Pod } from '../../kubernetes/objects.ts';
import { podPhase } from './phase.ts';

/** `r` running, `s` running but not started, `w` never started, `0`–`9` ended with that code, `c3` waiting after code 3. */
function status(name: string, mark: string): ContainerStatus {
  const base = { name, image: 'x', imageID: '', ready: false, restartCount: 0, started: mark === 'r' };
  if (mark === 'r' || mark === 's') return { ...base, state: { running: {} } };
  if (mark === 'w') return { ...base, state: { waiting: {} } };
  const terminated = { exitCode: Number(mark.at(-1)) };
  if (mark.startsWith('c')) return { ...base, state: { waiting: {} }, lastState: { terminated } };
  return { ...base, state: { terminated } };
}

interface Case {
  readonly policy?: string;
  /** A `+` before the mark makes a sidecar. */
  readonly init?: string;
  readonly regular: string;
  readonly ended?: true;
  readonly phase: string;
}

const cases: Record<string, Case> = {
  'all running': { regular: 'r r', phase: 'Running' },
  'one never started': { regular: 'r w', phase: 'Pending' },
  'an init container runs': { init: 'r', regular: 'w', phase: 'Pending' },
  'an init container succeeded': { init: '0', regular: 'r', phase: 'Running' },
  'a failed init container will be retried': { init: 'c1', regular: 'w', phase: 'Pending' },
  'a failed init container will not be retried': { policy: 'Never', init: '1', regular: 'w', phase: 'Failed' },
  'a sidecar has not started yet': { init: '+s', regular: 'w', phase: 'Pending' },
  'a sidecar starts again beside running containers': { init: '+s', regular: 'r', phase: 'Running' },
  'a sidecar runs on after the others are done': { policy: 'Never', init: '+r', regular: '0', phase: 'Running' },
  'a sidecar’s exit code does not count': { policy: 'Never', init: '+7', regular: '0', phase: 'Succeeded' },
  'a crash loop': { regular: 'c3', phase: 'Running' },
  'done, but always restarted': { regular: '0', phase: 'Running' },
  'done, and never restarted': { policy: 'Never', regular: '0 0', phase: 'Succeeded' },
  'failed, and never restarted': { policy: 'Never', regular: '0 1', phase: 'Failed' },
  'one failed, one still runs': { policy: 'Never', regular: 'r 1', phase: 'Running' },
  'failed, restarted on failure': { policy: 'OnFailure', regular: '0 1', phase: 'Running' },
  'succeeded, restarted on failure': { policy: 'OnFailure', regular: '0 0', phase: 'Succeeded' },
  'ended with success, whatever the policy': { regular: '0', ended: true, phase: 'Succeeded' },
  'ended with failure, whatever the policy': { regular: '0 9', ended: true, phase: 'Failed' },
};

test('the phase follows from the containers', async (t) => {
  for (const [name, { policy = 'Always', init = '', regular, ended = false, phase }] of Object.entries(cases)) {
    await t.test(`${name}: ${phase}`, () => {
      const inits = init.split(' ').filter(Boolean);
      const regulars = regular.split(' ');
      const initContainers: Container[] = inits.map((mark, index) => ({
        name: `i${index}`,
        image: 'x',
        ...(mark.startsWith('+') && { restartPolicy: 'Always' }),
      }));
      const containers: Container[] = regulars.map((_, index) => ({ name: `c${index}`, image: 'x' }));
      const pod: Pod = { spec: { restartPolicy: policy, initContainers, containers } };
      const statuses = {
        init: inits.map((mark, index) => status(`i${index}`, mark.replace('+', ''))),
        regular: regulars.map((mark, index) => status(`c${index}`, mark)),
        ephemeral: [],
      };
      assert.equal(podPhase(pod, statuses, { ended }), phase);
    });
  }
});
