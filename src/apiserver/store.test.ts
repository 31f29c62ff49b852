import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../kubernetes/objects.ts';
import { Store } from './store.ts';

const pod = (name: string, uid: string, nodeName = 'vk', namespace = 'default'): Pod => ({
  metadata: { namespace, name, uid },
  spec: { nodeName, containers: [] },
});
const store = () => new Store<Pod>({ node: ({ spec }) => (spec?.nodeName ? [spec.nodeName] : []) });

describe('Store', () => {
  it('finds by key, UID, namespace and index', () => {
    const pods = store();
    const [a, b, c] = [pod('a', '1'), pod('b', '2', 'other'), pod('a', '3', 'vk', 'kube-system')];
    for (const object of [a, b, c]) assert.equal(pods.put(object), undefined);
    assert.equal(pods.get({ namespace: 'kube-system', name: 'a' }), c);
    assert.equal(pods.byUid('2'), b);
    assert.deepEqual(pods.inNamespace('default'), [a, b]);
    assert.deepEqual(pods.byIndex('node', 'vk'), [a, c]);
    assert.deepEqual([...pods.values()], [a, b, c]);
  });

  it('gives back what it replaces and forgets it in every index', () => {
    const pods = store();
    const before = pod('a', '1');
    const after = pod('a', '2', 'other');
    pods.put(before);
    assert.equal(pods.put(after), before);
    assert.equal(pods.byUid('1'), undefined);
    assert.deepEqual(pods.byIndex('node', 'vk'), []);
    assert.deepEqual(pods.inNamespace('default'), [after]);
    assert.equal(pods.size, 1);
  });

  it('removes by name, whatever the state of the object given', () => {
    const pods = store();
    const present = pod('a', '1');
    pods.put(present);
    assert.equal(pods.remove(pod('a', '1', 'other')), present);
    assert.equal(pods.remove(present), undefined);
    assert.deepEqual([pods.size, pods.byUid('1'), pods.byIndex('node', 'vk')], [0, undefined, []]);
  });

  it('knows cluster-scoped objects by name alone, and says which index it lacks', () => {
    const nodes = new Store();
    const node = { metadata: { name: 'vk' } };
    nodes.put(node);
    assert.equal(nodes.get({ name: 'vk' }), node);
    assert.throws(() => nodes.byIndex('zone', 'a'), /no index zone/);
  });
});
