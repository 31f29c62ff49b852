import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../test/cluster/cluster.ts';
import { type Background, startInBackground } from './background.ts';
import { deployment } from './deployment.ts';
import type { Terminal } from './terminal.ts';
import { nodeName, startVirtualNode } from './virtual-node.ts';

const endpoint = 'http://127.0.0.1:4566';

/** What clients of AWS read: our local Fargate, with any credentials. */
export const awsEnvironment: NodeJS.ProcessEnv = {
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

/** Starts what the story needs: a Fargate on this machine, and the node that runs its pods there. */
export async function setFargateStage(cluster: Cluster, terminal: Terminal): Promise<Background[]> {
  const environment = { ...process.env, ...awsEnvironment };
  terminal.say('a Fargate on this machine: the AWS APIs, and each task as real containers');
  terminal.type('virtual-kubelet local-fargate');
  const stateDir = join(cluster.runDir, 'local-fargate');
  const words = ['local-fargate', '--podman-socket', cluster.podmanSocket, '--state-dir', stateDir];
  const fargate = startInBackground(cluster, 'local-fargate', { words, environment });
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
  return [fargate, await startVirtualNode(cluster, { flags, environment })];
}

const jobs = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: tick
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: tick, image: busybox, command: [echo, done]}
          tolerations:
          - {key: virtual-kubelet.io/provider, value: aws}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: once
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: once, image: busybox, command: [echo, done]}
      tolerations:
      - {key: virtual-kubelet.io/provider, value: aws}
`;

/** The Deployment as Fargate tasks: one, ten and none, and jobs that run to their end. */
export async function playFargateStory(cluster: Cluster, terminal: Terminal): Promise<void> {
  await terminal.until(`kubectl get node ${nodeName}`, 'the node to be ready', (output) => / Ready /.test(output));
  await cluster.startKubeProxy(nodeName);
  await terminal.show('kubectl get nodes');
  await terminal.show(`kubectl describe node ${nodeName}`);

  terminal.say('an ordinary Deployment that tolerates virtual-kubelet.io/provider=aws, and a Service in front of it');
  await terminal.show('kubectl apply -f -', { input: deployment('value: aws') });
  await terminal.read('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  await terminal.show('aws ecs list-tasks');
  const clusterIp = await terminal.read("kubectl get service nginx -o jsonpath='{.spec.clusterIP}'");
  const greeted = (output: string): boolean => output.includes('Welcome to nginx');
  await terminal.until(`curl -s -m 2 http://${clusterIp}/ || true`, 'nginx to answer at its cluster IP', greeted);
  await terminal.show(`curl -s http://${clusterIp}/ | grep title`);

  terminal.say('ten of them, from one task definition');
  await terminal.show('kubectl scale deployment nginx --replicas=10');
  await terminal.read('kubectl rollout status deployment nginx --timeout=120s');
  await terminal.show('kubectl get pods -o wide');
  await terminal.show('aws ecs list-tasks');
  await terminal.show('aws ecs list-task-definitions');
  await terminal.show('kubectl logs deployment/nginx --tail=3');

  terminal.say('a Job and a CronJob run to completion');
  await terminal.show('kubectl apply -f -', { input: jobs });
  await terminal.read('kubectl wait job/once --for=condition=Complete --timeout=120s');
  const completed = (output: string): boolean => /^tick-.*Complete/m.test(output);
  await terminal.until('kubectl get jobs --no-headers', 'the CronJob to have run', completed);
  await terminal.show('kubectl get cronjobs,jobs,pods');
  await terminal.read('kubectl delete cronjob tick');

  terminal.say('and none: no task is left');
  await terminal.show('kubectl scale deployment nginx --replicas=0');
  await terminal.until(
    'kubectl get pods -l app=nginx -o name',
    'the pods to be gone',
    (output) => output.trim() === '',
  );
  await terminal.until(
    'aws ecs list-tasks --output text',
    'the tasks to be gone',
    (output) => !output.includes('arn:'),
  );
  await terminal.show('aws ecs list-tasks');
}
