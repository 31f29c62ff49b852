import { test } from 'node:test';
import { middleKubectlVersions, newestKubectlVersion } from '../cluster/versions.ts';
import { tryVersions } from '../e2e/kubectl-versions.ts';

test('newer kubectls get into pods', (context) =>
  tryVersions(context, [...middleKubectlVersions, newestKubectlVersion]));
