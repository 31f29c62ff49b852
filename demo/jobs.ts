const pod = `restartPolicy: Never
containers:
- {name: hello, image: busybox, command: [echo, "hello from a task"]}
nodeSelector:
  kubernetes.io/role: agent
tolerations:
- {key: virtual-kubelet.io/provider, value: aws}`;

/** Runs a pod each minute. */
export const cronJob = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: tick
spec:
  schedule: "* * * * *"
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
