const pod = `restartPolicy: Never
containers:
- {name: hello, image: busybox, command: [echo, "hello from a task"]}
nodeSelector:
  kubernetes.io/role: agent
tolerations:
- {key: virtual-kubelet.io/provider, value: aws}`;

/** Runs a pod twice a minute: a schedule of cron's own kind would have the story wait for the full minute. */
export const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: tick
spec:
  schedule: "@every 30s"
  jobTemplate:
    spec:
      template:
        spec:
${indented(pod, 10)}
`;

/** Runs one pod. */
export const job = `apiVersion: batch/v1
kind: Job
metadata:
  name: once
spec:
  template:
    spec:
${indented(pod, 6)}
`;

function indented(text: string, spaces: number): string {
  return text.replace(/^/gm, ' '.repeat(spaces));
}
