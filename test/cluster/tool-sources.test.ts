import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kubectlSource, metricsServerSource } from './tool-sources.ts';
import { middleKubectlVersions, newestKubectlVersion, oldestKubectlVersion } from './versions.ts';

test('each tool is built from a module that pins its version', () => {
  const kubectls = [oldestKubectlVersion, ...middleKubectlVersions, newestKubectlVersion].map((version) => ({
    source: kubectlSource(version, 'amd64'),
    // kubectl's module has the minor version of its Kubernetes, and its patch.
    pinned: `k8s.io/kubectl ${version.replace('v1.', 'v0.')}`,
  }));
  const metricsServer = {
    source: metricsServerSource,
    pinned: `sigs.k8s.io/metrics-server ${metricsServerSource.version}`,
  };
  for (const { source, pinned } of [...kubectls, metricsServer]) {
    const module = join(import.meta.dirname, 'modules', source.build.module);
    const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
    assert.ok(goMod.includes(`\ntool ${source.build.package}\n`), `${source.build.module} has it as a tool`);
    assert.match(goMod, new RegExp(`\\s${pinned}\\b`), `${source.build.module} pins ${pinned}`);
    assert.ok(existsSync(join(module, 'go.sum')), `${source.build.module} has checksums`);
  }
});

test('a kubectl is downloaded at its version', () => {
  assert.equal(
    kubectlSource('v1.27.16', 'arm64').release.url,
    'https://dl.k8s.io/release/v1.27.16/bin/linux/arm64/kubectl',
  );
});
