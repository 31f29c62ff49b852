import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Volume } from '../../kubernetes/objects.ts';
import { CodedError } from '../../support/errors.ts';
import { FakeClock } from '../../support/testing/fake-clock.ts';
import { fakeReferences, makePod } from '../testing/engine-harness.ts';
import type { MemoryOptions } from './mounts.ts';
import { podFolder } from './pod-folder.ts';
import { setUpVolumes } from './volumes-on-disk.ts';

const { signal } = new AbortController();

describe('setUpVolumes', () => {
  let rootDir: string;
  let host: string;
  const clock = new FakeClock();
  const references = fakeReferences();
  const mounted: [string, MemoryOptions][] = [];
  const context = () => ({
    rootDir,
    references,
    clock,
    random: () => 0,
    node: { ip: '', clusterDomain: '', clusterDnsIp: undefined, allocatable: async () => ({ memory: '8Mi' }) },
    mounts: {
      mountMemory: async (folder: string, options: MemoryOptions) => void mounted.push([folder, options]),
      bind: async () => {},
      unmount: async () => {},
    },
  });

  beforeEach(async () => {
    rootDir = await mkdtemp(join(tmpdir(), 'volumes-'));
    host = join(rootDir, 'host');
    await mkdir(host);
    await writeFile(join(host, 'file'), '');
  });
  afterEach(() => rm(rootDir, { recursive: true }));

  const setUp = (volume: Omit<Volume, 'name'>) => {
    const pod = makePod({ containers: [], volumes: [{ name: 'v', ...volume }] });
    const folder = podFolder(rootDir, pod.metadata?.uid ?? '');
    const present = new Map<string, string>();
    return {
      pod,
      folder,
      again: () => setUpVolumes(context(), pod, { signal, present }),
      done: setUpVolumes(context(), pod, { signal, present }),
    };
  };

  it('makes an emptyDir for everybody, and leaves one that is there alone', async () => {
    const { pod, folder, again, done } = setUp({ emptyDir: {} });
    assert.equal(await done, undefined, 'nothing in it is read again');
    const path = join(folder.emptyDirs, 'v');
    assert.equal((await stat(path)).mode & 0o7777, 0o777);
    await chmod(path, 0o700);
    await writeFile(join(path, 'work'), '');
    await again();
    await setUpVolumes(context(), pod, { signal, present: new Map() });
    assert.deepEqual([(await stat(path)).mode & 0o777, await readdir(path)], [0o700, ['work']]);
  });

  const limited = { resources: { limits: { memory: '2Mi' } } };
  for (const [words, sizeLimit, containers, sizeMib] of [
    ['its own limit', '1Mi', [limited], 1],
    ['the limit of the pod, which is less', '4Mi', [limited, limited], 4],
    ['the limit of the pod where it has none', undefined, [limited, limited], 4],
    ['what the node has where the pod has no limit', undefined, [limited, {}], 8],
    ['what the node has where its own is 0, which is none', '0', [{}], 8],
  ] as const) {
    it(`puts an emptyDir in memory with the size of ${words}`, async () => {
      const emptyDir = { medium: 'Memory', ...(sizeLimit && { sizeLimit }) };
      const pod = makePod({
        containers: containers.map((more, index) => ({ name: `c${index}`, ...more })),
        volumes: [{ name: 'v', emptyDir }],
      });
      await setUpVolumes(context(), pod, { signal, present: new Map() });
      assert.deepEqual(mounted.at(-1), [
        join(podFolder(rootDir, pod.metadata?.uid ?? '').emptyDirs, 'v'),
        { mode: 0o777, gid: undefined, sizeBytes: sizeMib * 2 ** 20 },
      ]);
    });
  }

  it('writes what the API has, and asks to be called again in about a minute', async () => {
    references.configMaps.set('settings', { key: 'old' });
    const { folder, again, done } = setUp({ configMap: { name: 'settings' } });
    assert.equal(await done, clock.now() + 60_000);
    references.configMaps.set('settings', { key: 'new' });
    await again();
    assert.equal(await readFile(join(folder.apiVolumes, 'v/key'), 'utf8'), 'new');
  });

  for (const [type, path, words] of [
    ['', 'made', undefined],
    ['Directory', '', undefined],
    ['Directory', 'file', 'is not a directory'],
    ['Directory', 'none', 'is not a directory'],
    ['DirectoryOrCreate', 'a/b', undefined],
    ['File', 'file', undefined],
    ['File', '', 'is not a file'],
    ['FileOrCreate', 'c/d', undefined],
    ['Socket', 'file', 'is not a socket file'],
    ['CharDevice', 'file', 'is not a character device'],
    ['BlockDevice', 'file', 'is not a block device'],
  ] as const) {
    it(`${words ? 'refuses' : 'takes'} ${path || 'a folder'} as a hostPath of type ${type || 'none'}`, async () => {
      const { done } = setUp({ hostPath: { path: join(host, path), type } });
      if (words === undefined) {
        await done;
        assert.ok(await stat(join(host, path)));
      } else {
        await assert.rejects(done, (error) => {
          assert.ok(error instanceof CodedError && error.reason === 'FailedMount');
          assert.equal(
            error.message,
            `MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${join(host, path)} ${words}`,
          );
          return true;
        });
      }
    });
  }
});
