import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFargateConfig } from './config.ts';
import { nodeOffer } from './node-offer.ts';

const clusterArn = 'arn:aws:ecs:us-east-1:000000000000:cluster/default';
const offerOf = (...lines: readonly string[]) =>
  nodeOffer(
    parseFargateConfig(['Region = "us-east-1"', 'Subnets = ["subnet-1"]', ...lines].join('\n'), {}),
    clusterArn,
  );

describe('the node on Fargate', () => {
  it('has the conditions of the Go provider, for its reason', () => {
    assert.deepEqual(
      offerOf().conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`),
      [
        'Ready=True Fargate cluster is ready: ok',
        'OutOfDisk=False Fargate cluster is ready: ok',
        'MemoryPressure=False Fargate cluster is ready: ok',
        'DiskPressure=False Fargate cluster is ready: ok',
        'NetworkUnavailable=False Fargate cluster is ready: ok',
        'KubeletConfigOk=True Fargate cluster is ready: ok',
      ],
    );
  });

  it('is as large as its configuration says, and has storage under both names', () => {
    const { capacity } = offerOf('CPU = "8"', 'Memory = "16Gi"', 'Storage = "100Gi"', 'Pods = "7"');
    assert.deepEqual(capacity, {
      cpu: '8',
      memory: '16Gi',
      storage: '100Gi',
      'ephemeral-storage': '100Gi',
      pods: '7',
    });
  });

  it('keeps AWS’s DaemonSets away only where it is told to', () => {
    const label = 'eks.amazonaws.com/compute-type';
    assert.equal(offerOf().labels?.[label], undefined);
    assert.equal(offerOf('EksComputeTypeLabel = true').labels?.[label], 'fargate');
  });
});
