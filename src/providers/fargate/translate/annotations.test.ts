import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../kubernetes/objects.ts';
import {
  annotatedCapacityProviders,
  annotatedUlimits,
  annotationRefusals,
  capacityAnnotation,
  ulimitsAnnotation,
} from './annotations.ts';

function podWith(annotation: string, text: string): Pod {
  return { metadata: { annotations: { [annotation]: text } } };
}

const taken: readonly (readonly [string, string, number])[] = [
  [capacityAnnotation, 'FARGATE_SPOT', 1],
  [capacityAnnotation, 'FARGATE=0, FARGATE_SPOT=4', 2],
  [ulimitsAnnotation, 'nofile=1:2', 1],
  [ulimitsAnnotation, 'nofile=1, nproc=2:3', 2],
];
const refused: readonly (readonly [string, string])[] = [
  [capacityAnnotation, 'EC2'],
  [capacityAnnotation, 'FARGATE,'],
  [capacityAnnotation, 'FARGATE=0'],
  [capacityAnnotation, 'FARGATE=0,FARGATE_SPOT=0'],
  [capacityAnnotation, 'FARGATE,FARGATE'],
  [capacityAnnotation, 'FARGATE_SPOT=1,FARGATE_SPOT=2'],
  [ulimitsAnnotation, 'files=1'],
  [ulimitsAnnotation, 'nofile=2:1'],
  [ulimitsAnnotation, 'nofile=1,nofile=2'],
];

describe('an annotation of a pod', () => {
  for (const [annotation, text, count] of taken) {
    it(`can say ${text}`, () => {
      const pod = podWith(annotation, text);
      assert.deepEqual(annotationRefusals(pod), []);
      assert.equal((annotatedCapacityProviders(pod) ?? annotatedUlimits(pod))?.length, count);
    });
  }
  for (const [annotation, text] of refused) {
    it(`cannot say ${text}`, () => {
      const fields = annotationRefusals(podWith(annotation, text)).map(({ field }) => field);
      assert.deepEqual(fields, [`metadata.annotations["${annotation}"]`]);
    });
  }
});
