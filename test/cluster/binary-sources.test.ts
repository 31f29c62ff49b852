import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { binaryNames, binarySource, goArchitecture } from './binary-sources.ts';

test('each binary is built from a module that pins the version that the release has', () => {
  for (const name of binaryNames) {
    const { version, release, build } = binarySource(name, 'amd64');
    const module = join(import.meta.dirname, 'modules', build.module);
    const goMod = readFileSync(join(module, 'go.mod'), 'utf8');
    assert.match(goMod, new RegExp(`^\\t${build.package}$|^tool ${build.package}$`, 'm'), `${name} is a tool`);
    assert.match(goMod, new RegExp(`${build.package.split('/cmd/')[0]} ${version}\\b`), `${name} is at ${version}`);
    assert.ok(existsSync(join(module, 'go.sum')), `${name} has checksums`);
    assert.ok(release.url.includes(version), `${name} is downloaded at ${version}`);
  }
});

test('a Kubernetes binary tells the version of its release', () => {
  assert.deepEqual(Object.keys(binarySource('kubectl', 'amd64').build.variables), [
    'k8s.io/component-base/version.gitVersion',
    'k8s.io/component-base/version.gitMajor',
    'k8s.io/component-base/version.gitMinor',
  ]);
});

test("an architecture has Go's name", () => {
  assert.equal(goArchitecture('x64'), 'amd64');
  assert.equal(goArchitecture('arm64'), 'arm64');
});
