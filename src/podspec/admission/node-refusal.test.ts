import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, Node, Pod, PodSpec } from '../../kubernetes/objects.ts';
import { NodeClaims } from './node-claims.ts';
import { nodeRefusal } from './node-refusal.ts';

const node: Node = {
  metadata: { name: 'vk', labels: { zone: 'a', size: '4', 'kubernetes.io/os': 'linux' } },
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3', 'example.com/gpu': '1', 'ephemeral-storage': '10Gi' } },
};

function podOf(spec: Partial<PodSpec> = {}): Pod {
  return { metadata: { namespace: 'default', name: 'web' }, spec: { containers: [{ name: 'a' }], ...spec } };
}

function asking(requests: Record<string, string>, name = 'a'): Container {
  return { name, resources: { requests } };
}

function onPort(hostPort: number, more: object = {}): Partial<PodSpec> {
  return { containers: [{ name: 'a', ports: [{ containerPort: 80, hostPort, ...more }] }] };
}

function claimsOf(...specs: readonly Partial<PodSpec>[]): NodeClaims {
  const claims = new NodeClaims();
  specs.forEach((spec, index) => {
    claims.put(`uid-${index}`, podOf(spec));
  });
  return claims;
}

const free = new NodeClaims();
const outOf = (resource: string, requested: number, used: number, capacity: number) => ({
  reason: `OutOf${resource}`,
  message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
});

describe('a node takes no pod for which it has no room', () => {
  const half: Partial<PodSpec> = { containers: [asking({ cpu: '1500m' })] };
  const rows: readonly [string, Partial<PodSpec>, NodeClaims, ReturnType<typeof outOf> | undefined][] = [
    ['a pod that asks for nothing', {}, free, undefined],
    ['more CPU than there is', { containers: [asking({ cpu: '100' })] }, free, outOf('cpu', 100_000, 0, 2000)],
    ['the CPU that is left', { containers: [asking({ cpu: '500m' })] }, claimsOf(half), undefined],
    ['more CPU than is left', { containers: [asking({ cpu: '501m' })] }, claimsOf(half), outOf('cpu', 501, 1500, 2000)],
    ['more memory', { containers: [asking({ memory: '2Gi' })] }, free, outOf('memory', 2 ** 31, 0, 2 ** 30)],
    [
      'more ephemeral storage',
      { containers: [asking({ 'ephemeral-storage': '11Gi' })] },
      free,
      outOf('ephemeral-storage', 11 * 2 ** 30, 0, 10 * 2 ** 30),
    ],
    ['one pod too many', {}, claimsOf({}, {}, {}), outOf('pods', 1, 3, 3)],
    [
      'containers that are too many together',
      { containers: [asking({ cpu: '1' }), asking({ cpu: '1001m' }, 'b')] },
      free,
      outOf('cpu', 2001, 0, 2000),
    ],
    [
      'an init container larger than the pod',
      { initContainers: [asking({ cpu: '3' }, 'i')] },
      free,
      outOf('cpu', 3000, 0, 2000),
    ],
    [
      'a sidecar beside the containers',
      {
        initContainers: [{ ...asking({ cpu: '1' }, 'i'), restartPolicy: 'Always' }],
        containers: [asking({ cpu: '2' })],
      },
      free,
      outOf('cpu', 3000, 0, 2000),
    ],
    [
      'what is asked for the pod as a whole, and overhead',
      { resources: { requests: { cpu: '2' } }, overhead: { cpu: '1m' } },
      free,
      outOf('cpu', 2001, 0, 2000),
    ],
    [
      'a second device',
      { containers: [asking({ 'example.com/gpu': '1' })] },
      claimsOf({ containers: [asking({ 'example.com/gpu': '1' })] }),
      outOf('example.com/gpu', 1, 1, 1),
    ],
    ['a device that is no node’s to give', { containers: [asking({ 'example.com/other': '1' })] }, free, undefined],
    ['huge pages', { containers: [asking({ 'hugepages-2Mi': '2Mi' })] }, free, outOf('hugepages-2Mi', 2 ** 21, 0, 0)],
  ];
  for (const [what, spec, claims, expected] of rows) {
    it(`asked for ${what}`, () => assert.deepEqual(nodeRefusal(podOf(spec), node, claims), expected));
  }

  it('and has room again when a pod is gone or asks for less', () => {
    const claims = claimsOf(half, onPort(80));
    const asks = podOf({ containers: [asking({ cpu: '1' })] });
    assert.equal(nodeRefusal(asks, node, claims)?.reason, 'OutOfcpu');
    claims.put('uid-0', podOf({ containers: [asking({ cpu: '1' })] }));
    assert.equal(nodeRefusal(asks, node, claims), undefined);
    assert.equal(nodeRefusal(podOf(onPort(80)), node, claims)?.reason, 'NodePorts');
    claims.remove('uid-0');
    claims.remove('uid-1');
    claims.remove('uid-1');
    assert.deepEqual([claims.podCount, claims.requested('cpu')], [0, 0n]);
    assert.equal(nodeRefusal(podOf(onPort(80)), node, claims), undefined);
  });
});

describe('a node takes no pod that wants another one', () => {
  const wanted = (...nodeSelectorTerms: readonly object[]): Partial<PodSpec> => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [...nodeSelectorTerms] } },
    } as NonNullable<PodSpec['affinity']>,
  });
  const expression = (key: string, operator: string, ...values: readonly string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  const rows: readonly [string, Partial<PodSpec>, boolean][] = [
    ['a label it has', { nodeSelector: { zone: 'a' } }, true],
    ['a label of another value', { nodeSelector: { zone: 'b' } }, false],
    ['a label it has not', { nodeSelector: { zone: 'a', foo: 'bar' } }, false],
    ['In', wanted(expression('zone', 'In', 'b', 'a')), true],
    ['In, elsewhere', wanted(expression('zone', 'In', 'b')), false],
    ['NotIn', wanted(expression('zone', 'NotIn', 'b')), true],
    ['NotIn without the label', wanted(expression('foo', 'NotIn', 'b')), true],
    ['NotIn, excluded', wanted(expression('zone', 'NotIn', 'a')), false],
    ['Exists', wanted(expression('zone', 'Exists')), true],
    ['Exists without the label', wanted(expression('foo', 'Exists')), false],
    ['DoesNotExist', wanted(expression('foo', 'DoesNotExist')), true],
    ['DoesNotExist with the label', wanted(expression('zone', 'DoesNotExist')), false],
    ['Gt', wanted(expression('size', 'Gt', '3')), true],
    ['Gt of as much', wanted(expression('size', 'Gt', '4')), false],
    ['Lt', wanted(expression('size', 'Lt', '5')), true],
    ['Lt of what is no number', wanted(expression('zone', 'Lt', '5')), false],
    ['one of two terms', wanted(expression('zone', 'In', 'b'), expression('zone', 'In', 'a')), true],
    ['a term that asks for nothing', wanted({}), false],
    ['no term', wanted(), false],
    ['its name', wanted({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['vk'] }] }), true],
    ['another name', wanted({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['other'] }] }), false],
  ];
  for (const [what, spec, fits] of rows) {
    it(`by ${what}`, () => {
      const expected = {
        reason: 'NodeAffinity',
        message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      };
      assert.deepEqual(nodeRefusal(podOf(spec), node, free), fits ? undefined : expected);
    });
  }
});

describe('a node takes no pod whose port of the host is held', () => {
  const rows: readonly [string, Partial<PodSpec>, Partial<PodSpec>, boolean][] = [
    ['the same port', onPort(80), onPort(80), false],
    ['another port', onPort(80), onPort(81), true],
    ['another protocol', onPort(80), onPort(80, { protocol: 'UDP' }), true],
    ['another address', onPort(80, { hostIP: '10.0.0.1' }), onPort(80, { hostIP: '10.0.0.2' }), true],
    ['all addresses after one', onPort(80, { hostIP: '10.0.0.1' }), onPort(80), false],
    ['one address after all', onPort(80, { hostIP: '0.0.0.0' }), onPort(80, { hostIP: '10.0.0.1' }), false],
    [
      'a sidecar’s port',
      { initContainers: [{ name: 'i', restartPolicy: 'Always', ports: [{ containerPort: 1, hostPort: 80 }] }] },
      onPort(80),
      false,
    ],
    [
      'an init container’s port, which is free by then',
      { initContainers: [{ name: 'i', ports: [{ containerPort: 1, hostPort: 80 }] }] },
      onPort(80),
      true,
    ],
  ];
  for (const [what, held, spec, fits] of rows) {
    it(`by ${what}`, () => {
      const expected = {
        reason: 'NodePorts',
        message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
      };
      assert.deepEqual(nodeRefusal(podOf(spec), node, claimsOf(held)), fits ? undefined : expected);
    });
  }
});

describe('of taints a node looks at NoExecute alone', () => {
  const tainted = (effect: string): Node => ({ ...node, spec: { taints: [{ key: 'k', value: 'v', effect }] } });
  const rows: readonly [string, Node, PodSpec['tolerations'], boolean][] = [
    ['NoSchedule', tainted('NoSchedule'), [], true],
    ['NoExecute', tainted('NoExecute'), [], false],
    ['another key', tainted('NoExecute'), [{ key: 'x', operator: 'Exists' }], false],
    ['the key', tainted('NoExecute'), [{ key: 'k', operator: 'Exists', tolerationSeconds: 5 }], true],
    ['every key', tainted('NoExecute'), [{ operator: 'Exists' }], true],
    ['the value', tainted('NoExecute'), [{ key: 'k', value: 'v', effect: 'NoExecute' }], true],
    ['another value', tainted('NoExecute'), [{ key: 'k', operator: 'Equal', value: 'w' }], false],
    ['another effect', tainted('NoExecute'), [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }], false],
  ];
  for (const [what, of, tolerations, fits] of rows) {
    it(`${what}: ${fits ? 'taken' : 'refused'}`, () => {
      const expected = {
        reason: 'TaintToleration',
        message: "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
      };
      assert.deepEqual(nodeRefusal(podOf({ tolerations: tolerations ?? [] }), of, free), fits ? undefined : expected);
    });
  }
});
