import { test } from 'node:test';
import { oldestKubectlVersion } from '../cluster/versions.ts';
import { tryVersions } from './kubectl-versions.ts';

// The newer ones take a minute each to build: `make soak` tries them.
test('the oldest kubectl gets into pods', (context) => tryVersions(context, [oldestKubectlVersion]));
