import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hasCode } from '../../support/errors.ts';
import { readPodmanConfig } from './config.ts';

describe('readPodmanConfig', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podman-config-'));
  });
  after(() => rm(folder, { recursive: true }));

  const write = async (content: string): Promise<string> => {
    const file = join(folder, 'podman.toml');
    await writeFile(file, content);
    return file;
  };

  it('has a default for everything', async () => {
    assert.deepEqual(await readPodmanConfig(undefined, undefined), {
      socket: '/run/podman/podman.sock',
      pods: '110',
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
    });
  });

  it('takes the socket from the file, else from the variable that Podman itself knows', async () => {
    const file = await write('socket = "unix:///a.sock"');
    assert.equal((await readPodmanConfig(file, 'unix:///b.sock')).socket, '/a.sock');
    assert.equal((await readPodmanConfig(undefined, 'unix:///b.sock')).socket, '/b.sock');
    assert.equal((await readPodmanConfig(undefined, '')).socket, '/run/podman/podman.sock');
  });

  it('takes what the node offers', async () => {
    const file = await write('cpu = "4"\nmemory = "8Gi"\npods = "20"\nstorage = "100Gi"');
    assert.deepEqual(await readPodmanConfig(file, undefined), {
      socket: '/run/podman/podman.sock',
      cpu: '4',
      memory: '8Gi',
      pods: '20',
      storage: '100Gi',
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
    });
  });

  it('takes how long logs may get', async () => {
    const file = await write('containerLogMaxSize = "1Gi"\ncontainerLogMaxFiles = 2');
    const { containerLogMaxSize, containerLogMaxFiles } = await readPodmanConfig(file, undefined);
    assert.deepEqual([containerLogMaxSize, containerLogMaxFiles], ['1Gi', 2]);
  });

  for (const [name, content, ...words] of [
    ['that is no TOML', 'socket = ', 'cannot read the provider configuration'],
    [
      'with a key that is not known',
      'sockte = "/a"',
      'sockte: not known; there are socket, cpu, memory, storage, pods, containerLogMaxSize, containerLogMaxFiles',
    ],
    ['with mistakes in several keys', 'cpu = 4\nmemory = "lots"', 'cpu: ', '(it is 4)', 'memory: ', '(it is "lots")'],
    ['with one log file', 'containerLogMaxFiles = 1', 'containerLogMaxFiles: is to be 2 or more (it is 1)'],
    ['with half a log file', 'containerLogMaxFiles = 2.5', 'containerLogMaxFiles: is to be a whole number (it is 2.5)'],
    ['with nothing to offer', 'pods = "0"', 'pods: is to be more than nothing (it is "0")'],
    [
      'with a Podman elsewhere',
      'socket = "ssh://me@there/a.sock"',
      'socket: is to be the path of a socket on this machine',
    ],
  ] as const) {
    it(`refuses a file ${name}`, async () => {
      const file = await write(content);
      await assert.rejects(readPodmanConfig(file, undefined), (error) => {
        assert.ok(hasCode(error, 'InvalidInput'));
        for (const word of [file, ...words]) assert.ok(error.message.includes(word), `${error.message} has no ${word}`);
        return true;
      });
    });
  }

  it('refuses a file that is not there, and a variable that makes no sense', async () => {
    await assert.rejects(readPodmanConfig(join(folder, 'none'), undefined), /cannot read the provider configuration/);
    await assert.rejects(
      readPodmanConfig(undefined, 'tcp://1.2.3.4'),
      /CONTAINER_HOST is wrong:\nsocket: .*"tcp:\/\/1\.2\.3\.4"/,
    );
  });
});
