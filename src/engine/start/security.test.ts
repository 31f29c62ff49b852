import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, PodSpec } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { makePod } from '../testing/engine-harness.ts';
import { securityFields } from './security.ts';

type PodSecurity = NonNullable<PodSpec['securityContext']>;
type ContainerSecurity = NonNullable<Container['securityContext']>;
const fields = (pod: PodSecurity, own: ContainerSecurity, imageUser = '') => {
  const container = { name: 'a', securityContext: own };
  return securityFields(makePod({ securityContext: pod, containers: [container] }), container, {
    imageUser,
    rootDir: '/root-dir',
  });
};

describe('securityFields', () => {
  it('asks for nothing where nothing is said', () => {
    assert.deepEqual(fields({}, {}), {
      supplementalGroups: [],
      readOnlyRoot: false,
      privileged: false,
      capabilitiesAdd: [],
      capabilitiesDrop: [],
      noNewPrivileges: false,
    });
  });

  it('has the seccomp profile of the container before that of the pod, and one of the machine from the root folder', () => {
    const of = (pod: PodSecurity, own: ContainerSecurity) => fields(pod, own).seccomp;
    const unconfined = { seccompProfile: { type: 'Unconfined' } };
    const local = { seccompProfile: { type: 'Localhost', localhostProfile: 'audit/it.json' } };
    assert.equal(of(unconfined, {}), 'unconfined');
    assert.equal(of(unconfined, { seccompProfile: { type: 'RuntimeDefault' } }), undefined);
    assert.equal(of(local, { privileged: true }), undefined, 'a privileged container has none');
    assert.deepEqual(of({}, local), { path: '/root-dir/seccomp/audit/it.json' });
  });

  const users: readonly (readonly [PodSecurity, ContainerSecurity, string, string | undefined])[] = [
    [{ runAsUser: 1 }, {}, '', '1'],
    [{ runAsUser: 1 }, { runAsUser: 0 }, '', '0'],
    [{ runAsUser: 1, runAsGroup: 2 }, { runAsGroup: 3 }, '', '1:3'],
    [{ runAsGroup: 2 }, {}, 'nginx:nginx', 'nginx:2'],
    [{ runAsGroup: 2 }, {}, '', '0:2'],
    [{}, {}, 'nginx', undefined],
  ];
  for (const [pod, own, imageUser, expected] of users) {
    it(`runs as ${expected ?? 'the image says'} by ${JSON.stringify([pod, own, imageUser])}`, () => {
      assert.equal(fields(pod, own, imageUser).user, expected);
    });
  }

  const roots: readonly (readonly [PodSecurity, ContainerSecurity, string, RegExp | undefined])[] = [
    [{ runAsNonRoot: true }, {}, '1000', undefined],
    [{ runAsNonRoot: true }, { runAsUser: 5 }, '0', undefined],
    [{ runAsNonRoot: true }, { runAsNonRoot: false }, '0', undefined],
    [{ runAsNonRoot: true }, {}, '', /image will run as root/],
    [{ runAsNonRoot: true }, {}, '0:0', /image will run as root/],
    [{ runAsNonRoot: true }, {}, 'nginx', /image has non-numeric user \(nginx\)/],
    [{ runAsUser: 0 }, { runAsNonRoot: true }, '5', /runAsUser breaks non-root policy/],
  ];
  for (const [pod, own, imageUser, refusal] of roots) {
    it(`${refusal ? 'refuses' : 'allows'} ${JSON.stringify([pod, own, imageUser])}`, () => {
      if (!refusal) assert.doesNotThrow(() => fields(pod, own, imageUser));
      else {
        assert.throws(
          () => fields(pod, own, imageUser),
          (error) =>
            error instanceof CodedError && error.reason === 'CreateContainerConfigError' && refusal.test(error.message),
        );
      }
    });
  }

  it('adds the group of volumes to the others', () => {
    assert.deepEqual(fields({ supplementalGroups: [1, 2], fsGroup: 3 }, {}).supplementalGroups, [1, 2, 3]);
  });

  it('forbids what the container may not do', () => {
    const { noNewPrivileges, readOnlyRoot, capabilitiesAdd, capabilitiesDrop } = fields(
      {},
      {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      },
    );
    assert.deepEqual(
      [noNewPrivileges, readOnlyRoot, capabilitiesAdd, capabilitiesDrop],
      [true, true, ['NET_ADMIN'], ['ALL']],
    );
  });
});
