import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deployment, showService } from './deployment.ts';
import { cronJob, job } from './jobs.ts';
import type { Stage, Story } from './stage.ts';
import { nodeName, startVirtualNode } from './virtual-node.ts';

const endpoint = 'http://127.0.0.1:4566';

/** What clients of AWS read: our local Fargate, with any credentials. */
const awsEnvironment = {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_PAGER: '',
};

const config = `Region = "us-east-1"
ClusterName = "default"
Subnets = ["subnet-0123abcd"]
ExecutionRoleArn = "arn:aws:iam::000000000000:role/ecsTaskExecutionRole"
CloudWatchLogGroupName = "/ecs/virtual-kubelet"
`;

/** An ordinary Deployment as Fargate tasks: one, ten and none, and jobs that run to their end. */
export const fargateStory: Story = {
  environment: awsEnvironment,
  encore: [
    'kubectl get nodes',
    'kubectl scale deployment nginx --replicas=3',
    'kubectl get pods -o wide',
    'aws ecs list-tasks',
    'podman ps',
  ],
  play,
};

async function play(stage: Stage): Promise<void> {
  const { cluster, terminal } = stage;
  terminal.say('a CronJob, first of all: its time comes while the rest of the story plays');
  await terminal.show('kubectl apply -f -', { input: cronJob });
  await startFargateNode(stage);
  await terminal.show('kubectl get nodes');
  await terminal.show(`kubectl describe node ${nodeName}`);

  terminal.say('an ordinary Deployment that tolerates virtual-kubelet.io/provider=aws, and a Service in front of it');
  await terminal.show('kubectl apply -f -', { input: deployment('value: aws') });
  await terminal.show('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  // A job may run just now, and be one more.
  await terminal.show('aws ecs list-tasks', { until: hasTasks(1) });
  await showService(terminal, cluster.nodeIp);

  terminal.say('ten of them');
  await terminal.show('kubectl scale deployment nginx --replicas=10');
  await terminal.show('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  await terminal.show('aws ecs list-tasks', { until: hasTasks(10) });
  await terminal.show('kubectl logs deployment/nginx --tail=3');

  terminal.say('a Job and the CronJob run to completion');
  await terminal.show('kubectl apply -f -', { input: job });
  await terminal.show('kubectl wait job/once --for=condition=Complete --timeout=120s');
  await terminal.show('kubectl logs job/once');
  const hasTicked = (output: string): boolean => /^job\S*\/tick-.*Complete/m.test(output);
  await terminal.show('kubectl get cronjobs,jobs', { until: hasTicked });

  terminal.say('and none: no task is left, and no container on this machine');
  await terminal.show('kubectl delete cronjob tick');
  await terminal.show('kubectl scale deployment nginx --replicas=0');
  const isEmpty = (output: string): boolean => output.trim() === '';
  await terminal.until('kubectl get pods -l app=nginx -o name', 'the pods to be gone', isEmpty);
  await terminal.until('podman ps -aq', 'the containers to be gone', isEmpty);
  await terminal.show('kubectl get pods');
  await terminal.show('aws ecs list-tasks', { until: hasTasks(0) });
  await terminal.show('podman ps --all');
}

/** A Fargate on this machine, and the virtual node that runs its pods there. */
async function startFargateNode(stage: Stage): Promise<void> {
  const { cluster, terminal, background } = stage;
  const environment = { ...process.env, ...awsEnvironment };
  terminal.say('a Fargate on this machine: the AWS APIs, and each task as real containers');
  terminal.type('virtual-kubelet local-fargate');
  const stateDir = join(cluster.runDir, 'local-fargate');
  const words = ['local-fargate', '--podman-socket', cluster.podmanSocket, '--state-dir', stateDir];
  background.start('local-fargate', { words, environment });
  await terminal.until(
    `curl -s -o /dev/null -w '%{http_code}' ${endpoint}/_local-fargate/calls || true`,
    'local Fargate to answer',
    (output) => output.trim() === '200',
  );
  await terminal.show('aws logs create-log-group --log-group-name /ecs/virtual-kubelet');

  terminal.say('a virtual node on Fargate');
  const configFile = join(cluster.runDir, 'fargate.toml');
  writeFileSync(configFile, config);
  await terminal.show(`cat ${configFile}`);
  terminal.type(`virtual-kubelet --provider=aws --provider-config=fargate.toml   # as system:node:${nodeName}`);
  const flags = ['--provider', 'aws', '--provider-config', configFile];
  await startVirtualNode(stage, { flags, environment });
}

function hasTasks(count: number): (listTasks: string) => boolean {
  return (output) => (output.match(/arn:aws:ecs:/g) ?? []).length === count;
}
