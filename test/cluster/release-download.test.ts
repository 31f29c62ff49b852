import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { downloadRelease, fetchChecksum, findChecksum } from './release-download.ts';
import { runCommand } from './run-command.ts';

const sum = 'a'.repeat(64);

test('a checksum is found by the name of its file', () => {
  assert.equal(findChecksum(`${'b'.repeat(64)}  other\n${sum}  etcd.tar.gz\n`, 'etcd.tar.gz'), sum);
  assert.equal(findChecksum(`${sum} *build/etcd.tar.gz\n`, 'etcd.tar.gz'), sum);
});

test('a lone checksum without a name is that of the file', () => {
  assert.equal(findChecksum(`${sum}\n`, 'kubectl'), sum);
});

test("another file's checksum is not taken", () => {
  assert.equal(findChecksum(`${sum}  other\n`, 'kubectl'), undefined);
  assert.equal(findChecksum('<html>not found</html>', 'kubectl'), undefined);
});

test('a release server out of reach has no checksum to give', async () => {
  const nobody = 'http://127.0.0.1:1/kubectl';
  assert.equal(await fetchChecksum({ url: nobody, checksumUrl: `${nobody}.sha256` }), undefined);
});

test('a plain binary is downloaded and checked', async (t) => {
  const { url, dir } = await serve(t, { '/kubectl': Buffer.from('the binary') });
  const checksum = createHash('sha256').update('the binary').digest('hex');
  const target = join(dir, 'kubectl');
  await downloadRelease({ url: `${url}/kubectl`, checksumUrl: '' }, { checksum, target });
  assert.equal(readFileSync(target, 'utf8'), 'the binary');
});

test('a file that is not what its checksum says is refused', async (t) => {
  const { url, dir } = await serve(t, { '/kubectl': Buffer.from('something else') });
  const release = { url: `${url}/kubectl`, checksumUrl: `${url}/kubectl.sha256` };
  await assert.rejects(downloadRelease(release, { checksum: sum, target: join(dir, 'kubectl') }), /has the SHA-256/);
});

test('a binary is taken out of its archive', async (t) => {
  const { files, url, dir } = await serve(t, {});
  writeFileSync(join(dir, 'etcd'), 'the server');
  await runCommand(['tar', '-czf', join(dir, 'made.tar.gz'), '-C', dir, 'etcd']);
  const archive = readFileSync(join(dir, 'made.tar.gz'));
  files['/etcd.tar.gz'] = archive;
  const target = join(dir, 'unpacked');
  await downloadRelease(
    { url: `${url}/etcd.tar.gz`, checksumUrl: '', archiveMember: 'etcd' },
    { checksum: createHash('sha256').update(archive).digest('hex'), target },
  );
  assert.equal(readFileSync(target, 'utf8'), 'the server');
});

async function serve(t: TestContext, files: Record<string, Buffer>) {
  const dir = mkdtempSync(join(tmpdir(), 'vk-download-'));
  const server = createServer((incoming, response) => {
    const file = files[incoming.url ?? ''];
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });
  return { files, dir, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
