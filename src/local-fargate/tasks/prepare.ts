import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RegistryCredentials } from '../../runtime/runtime.ts';
import type { ContainerDefinition } from '../ecs/container-definition.ts';
import { folderOf, type TaskPaths } from './container-spec.ts';
import { digestOf } from './images.ts';
import { hostnameOf } from './labels.ts';
import type { LiveTask, Prepared } from './live-task.ts';
import { resolveSecrets } from './secret-values.ts';
import { privateDnsName } from './task-view.ts';

/** Where this task's files are. */
export function taskPaths({ id, deps }: LiveTask): TaskPaths {
  const taskFolder = join(deps.stateDir, 'tasks', id);
  return {
    taskFolder,
    volumesFolder: join(taskFolder, 'volumes'),
    hostsFile: join(taskFolder, 'hosts'),
    efsFolder: join(deps.stateDir, 'efs'),
  };
}

/** Gets images, secret values, log streams and volumes. Rejects with a `TaskFailure` where one cannot be had. */
export async function prepare(live: LiveTask, signal: AbortSignal): Promise<Prepared> {
  const { clock, secrets: sources, logs } = live.deps;
  const secrets = new Map(
    live.containers.map(({ name, secrets = [] }) => [name, resolveSecrets(secrets, sources)] as const),
  );
  for (const container of live.containers) logs.open(live.task, container);
  if (live.task.pullStartedAtMs === undefined) live.change({ pullStartedAtMs: clock.now() });
  const images = await Promise.all(
    live.containers.map(async (container) => {
      const credentials = registryCredentials(container, live);
      const image = await live.deps.images.get(container.image, { signal, ...(credentials ? { credentials } : {}) });
      return [container.name, image] as const;
    }),
  );
  const byName = new Map(images);
  if (live.task.pullStoppedAtMs === undefined) {
    live.change({
      pullStoppedAtMs: clock.now(),
      containers: live.task.containers.map((container) => {
        const image = byName.get(container.name);
        const digest = image && digestOf(image);
        return digest === undefined ? container : { ...container, imageDigest: digest };
      }),
    });
  }
  const paths = taskPaths(live);
  await mkdir(paths.taskFolder, { recursive: true });
  await writeFile(paths.hostsFile, hostsOf(live));
  for (const volume of live.definition.volumes) {
    // Any user of a container may write to a task's volume, as on Fargate's own storage.
    await mkdir(folderOf(volume, paths), { recursive: true, mode: 0o777 });
  }
  return { imageIds: new Map(images.map(([name, { id }]) => [name, id])), secrets };
}

/** What a container's own name and `localhost` mean; images often say nothing of it. */
function hostsOf({ id, task, deps }: LiveTask): string {
  const ip = task.network.privateIp ?? '';
  return `127.0.0.1 localhost\n${ip} ${privateDnsName(ip, deps.account.region)} ${hostnameOf(id)}\n`;
}

/** `{"username": …, "password": …}` in a secret. */
function registryCredentials(container: ContainerDefinition, live: LiveTask): RegistryCredentials | undefined {
  const valueFrom = container.repositoryCredentials?.credentialsParameter;
  if (valueFrom === undefined) return undefined;
  const { username = '', password = '' } = resolveSecrets(
    [
      { name: 'username', valueFrom: `${valueFrom}:username::` },
      { name: 'password', valueFrom: `${valueFrom}:password::` },
    ],
    live.deps.secrets,
  );
  return { username, password };
}
