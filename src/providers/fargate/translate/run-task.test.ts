import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../kubernetes/objects.ts';
import { firstAttempt } from '../attempt.ts';
import { parseFargateConfig } from '../config.ts';
import { runTaskInput } from './run-task.ts';

const pod: Pod = {
  metadata: { namespace: 'shop', name: 'web-0', uid: 'uid-0' },
  spec: { containers: [{ name: 'web', image: 'nginx' }] },
};

function inputOf(config: readonly string[], { number = 0 } = {}) {
  return runTaskInput({
    pod,
    attempt: { ...firstAttempt, number },
    definitionArn: 'vk:1',
    overrides: { containerOverrides: [] },
    config: parseFargateConfig(['Region = "us-east-1"', ...config].join('\n'), {}),
    owner: '0123456789ab',
    clusterId: 'cluster-1',
    nodeName: 'node-1',
  });
}

describe('the call that starts an attempt', () => {
  it('has the network of the configuration', () => {
    const { networkConfiguration } = inputOf([
      'Subnets = ["subnet-1", "subnet-2"]',
      'SecurityGroups = ["sg-1"]',
      'AssignPublicIPv4Address = true',
    ]);
    assert.deepEqual(networkConfiguration, {
      awsvpcConfiguration: {
        subnets: ['subnet-1', 'subnet-2'],
        securityGroups: ['sg-1'],
        assignPublicIp: 'ENABLED',
      },
    });
  });

  it('keeps tasks off the internet unless it is told otherwise', () => {
    const { networkConfiguration } = inputOf(['Subnets = ["subnet-1"]']);
    assert.equal(networkConfiguration?.awsvpcConfiguration?.assignPublicIp, 'DISABLED');
  });

  it('has the tags of the configuration, and ours whatever that says', () => {
    const { tags } = inputOf(['Subnets = ["subnet-1"]', 'Tags = { team = "web", "virtual-kubelet.io/pod" = "other" }']);
    assert.deepEqual(Object.fromEntries(tags?.map(({ key, value }) => [key, value]) ?? []), {
      team: 'web',
      'virtual-kubelet.io/cluster': 'cluster-1',
      'virtual-kubelet.io/node': 'node-1',
      'virtual-kubelet.io/namespace': 'shop',
      'virtual-kubelet.io/pod': 'web-0',
    });
  });

  it('is the same however often it is made, and another for each attempt', () => {
    const config = ['Subnets = ["subnet-1"]'];
    assert.deepEqual(inputOf(config), inputOf(config));
    assert.equal(inputOf(config).clientToken, 'uid-0-0');
    assert.equal(inputOf(config, { number: 3 }).clientToken, 'uid-0-3');
    assert.notEqual(inputOf(config).group, inputOf(config, { number: 3 }).group);
  });
});
