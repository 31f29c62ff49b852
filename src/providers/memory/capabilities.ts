import { type Capabilities, type FeatureId, featureIds, type Support } from '../../podspec/features/feature.ts';

const accepted: Support = { kind: 'honoured', note: 'accepted; nothing runs, so it has no effect' };

/** What is more than accepted, or less. */
const particular: Partial<Record<FeatureId, Support>> = {
  'active-deadline': { kind: 'honoured' },
  'readiness-gates': { kind: 'honoured' },
  'init-containers': { kind: 'honoured', note: 'shown as completed at once' },
  'sidecar-containers': { kind: 'honoured', note: 'shown as running' },
  'ephemeral-containers': { kind: 'honoured', note: 'shown as running' },
  logs: { kind: 'honoured', note: 'empty: nothing runs, so nothing is logged' },
};

/** Pods of memory are not real: every pod is taken and shown as running, as KWOK and the Go mock provider do. */
export const capabilities = Object.fromEntries(
  featureIds.map((feature) => [feature, particular[feature] ?? accepted]),
) as Capabilities;
