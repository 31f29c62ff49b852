import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PersistentVolume, Pod, Volume } from '../../../kubernetes/objects.ts';
import type { PodEvent } from '../../../podspec/pod-events.ts';
import type { PodReferences } from '../../../podspec/references.ts';
import { type FakeCluster, fakeReferences } from '../../../podspec/testing/fake-references.ts';
import { goldenTests } from '../../../podspec/testing/golden.ts';
import { hasCode } from '../../../support/errors.ts';
import { firstAttempt, ownerId } from '../attempt.ts';
import { parseFargateConfig } from '../config.ts';
import { resolvePod } from '../resolve/pod-inputs.ts';
import { podNotes } from './notes.ts';
import { runTaskInput } from './run-task.ts';
import { type Translation, translatePod } from './task-definition.ts';

interface GoldenInput {
  readonly pod: Pod;
  /** Lines of fargate.toml beside Region and Subnets. */
  readonly config?: readonly string[];
  readonly cluster?: FakeCluster;
  readonly namespaceAnnotations?: Readonly<Record<string, string>>;
  readonly serviceAccountAnnotations?: Readonly<Record<string, string>>;
  readonly persistentVolumes?: Readonly<Record<string, PersistentVolume['spec']>>;
  /** Of all secrets; the values of fakeReferences have no type. */
  readonly secretType?: string;
}

const { signal } = new AbortController();
const least = 'Region = "us-east-1"\nSubnets = ["subnet-1"]\n';
const account = { partition: 'aws', accountId: '123456789012' };
const owner = ownerId('cluster-1', 'node-1');

function references(input: GoldenInput): PodReferences {
  const known = fakeReferences(input.cluster ?? {});
  const { namespaceAnnotations, serviceAccountAnnotations, persistentVolumes = {}, secretType } = input;
  return {
    ...known,
    async secret(namespace, name, options) {
      const secret = await known.secret(namespace, name, options);
      return secret && { ...secret, ...(secretType && { type: secretType }) };
    },
    namespace: async (name) => ({ metadata: { name, annotations: namespaceAnnotations ?? {} } }),
    serviceAccount: async (_, name) => ({ metadata: { name, annotations: serviceAccountAnnotations ?? {} } }),
    persistentVolume: async (_, claim) =>
      claim in persistentVolumes ? { spec: persistentVolumes[claim] ?? {} } : undefined,
  };
}

async function translate(input: GoldenInput) {
  const { pod } = input;
  const config = parseFargateConfig(least + (input.config ?? []).join('\n'), {});
  const events: PodEvent[] = [];
  const { inputs, entries } = await resolvePod(
    {
      pod,
      references: references(input),
      nodeIp: '10.0.0.5',
      nodeAllocatable: { cpu: '20', memory: '40Gi' },
      recordEvent: (event) => events.push(event),
      entryPrefix: `virtual-kubelet/${owner}/${pod.metadata?.namespace}`,
      account,
      defaultRoleArn: config.taskRoleArn,
    },
    { signal },
  );
  const secretArns = Object.fromEntries(
    entries.map(({ name }) => [name, `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-AbCdEf`]),
  );
  const translation = translatePod({ pod, inputs, config, secretArns, familyPrefix: `vk-${owner}` });
  return { config, entries, translation, notes: podNotes(pod, translation.size), events };
}

async function golden(input: GoldenInput): Promise<unknown> {
  try {
    const { config, entries, translation, notes } = await translate(input);
    const {
      tags: _tags,
      networkConfiguration: _network,
      ...run
    } = runTaskInput({
      pod: input.pod,
      attempt: firstAttempt,
      definitionArn: `${translation.definition.family}:1`,
      overrides: translation.overrides,
      config,
      owner,
      clusterId: 'cluster-1',
      nodeName: 'node-1',
    });
    return { definition: translation.definition, run, notes, entries };
  } catch (error) {
    return { error: error instanceof Error ? error.message.split('; ') : error };
  }
}

goldenTests(join(import.meta.dirname, 'testdata'), golden);

/** A replica of a Deployment, whose name its containers see. */
function replica(index: number, changes: { readonly args?: string[]; readonly padding?: string } = {}): Pod {
  return {
    metadata: {
      namespace: 'default',
      name: `web-${index}`,
      uid: `uid-${index}`,
      labels: { app: 'web', index: String(index) },
    },
    spec: {
      volumes: [apiAccessVolume(index)],
      containers: [
        {
          name: 'web',
          image: 'nginx',
          volumeMounts: [
            {
              name: apiAccessVolume(index).name,
              mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
              readOnly: true,
            },
          ],
          env: [
            { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'GREETING', value: `hello from $(NAME)${changes.padding ?? ''}` },
            { name: 'MODE', value: 'fast' },
          ],
          ...(changes.args && { args: changes.args }),
        },
      ],
    },
  };
}

/** As the API server adds it, under another name to each pod. */
function apiAccessVolume(index: number): Volume {
  return {
    name: `kube-api-access-x${index}`,
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt' } },
        { downwardAPI: { items: [] } },
      ],
    },
  };
}

test('a hundred replicas that see their own names have one definition', async () => {
  const translations: Translation[] = [];
  for (let index = 0; index < 100; index++) {
    translations.push((await translate({ pod: replica(index, { args: ['--name', '$(NAME)'] }) })).translation);
  }
  assert.equal(new Set(translations.map(({ definition }) => JSON.stringify(definition))).size, 1);
  assert.deepEqual(translations[7]?.overrides.containerOverrides, [
    {
      name: 'web',
      environment: [
        { name: 'GREETING', value: 'hello from web-7' },
        { name: 'NAME', value: 'web-7' },
      ],
      command: ['--name', 'web-7'],
    },
  ]);
});

test('what does not fit into overrides makes a definition of its own', async () => {
  const padding = 'x'.repeat(8200);
  const first = (await translate({ pod: replica(1, { padding }) })).translation;
  const second = (await translate({ pod: replica(2, { padding }) })).translation;
  assert.deepEqual(first.overrides, { containerOverrides: [] });
  assert.notEqual(first.definition.family, second.definition.family);
  const environment = first.definition.containerDefinitions?.[0]?.environment;
  assert.deepEqual(
    environment?.map(({ name }) => name),
    ['MODE', 'GREETING', 'NAME'],
  );
});

test('a definition over 64 KB is refused with what to do about it', async () => {
  const pod = replica(1);
  pod.spec?.containers[0]?.env?.push({ name: 'BIG', value: 'x'.repeat(70_000) });
  await assert.rejects(
    translate({ pod }),
    (error) => hasCode(error, 'InvalidInput') && /ECS takes 65536.*enableServiceLinks/.test(error.message),
  );
});

test('the values of secrets stand in entries alone', async () => {
  const pod = replica(1);
  pod.spec?.containers[0]?.env?.push(
    { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
    { name: 'URL', value: 'db://$(NAME):$(PASSWORD)@host' },
  );
  const input = {
    pod,
    cluster: { secrets: { db: { password: 'hunter2' } } },
    config: ['ExecutionRoleArn = "arn:aws:iam::123456789012:role/exec"'],
  };
  const { entries, translation } = await translate(input);
  assert.doesNotMatch(JSON.stringify(translation), /hunter2|aHVudGVyMg/);
  assert.deepEqual(entries[0]?.values, { PASSWORD: 'hunter2', URL: 'db://web-1:hunter2@host' });
  assert.doesNotMatch(`${entries[0]?.name} ${entries[0]?.version}`, /hunter2/);
});

test('arguments that would show a secret are refused', async () => {
  const pod = replica(1, { args: ['--password=$(PASSWORD)'] });
  pod.spec?.containers[0]?.env?.push({
    name: 'PASSWORD',
    valueFrom: { secretKeyRef: { name: 'db', key: 'password' } },
  });
  await assert.rejects(translate({ pod, cluster: { secrets: { db: { password: 'hunter2' } } } }), (error) => {
    return hasCode(error, 'InvalidInput') && /container web use a variable that holds a secret/.test(error.message);
  });
});

test('an event about a missing secret names the pod itself', async () => {
  const pod = replica(3);
  pod.spec?.containers[0]?.env?.push({
    name: 'PASSWORD',
    valueFrom: { secretKeyRef: { name: 'db', key: 'password', optional: true } },
  });
  const { events } = await translate({ pod, config: ['ExecutionRoleArn = "arn:aws:iam::123456789012:role/exec"'] });
  assert.deepEqual(
    events.map(({ pod: ref, reason }) => [ref.name, ref.uid, reason]),
    [['web-3', 'uid-3', 'OptionalSecretNotFound']],
  );
});
