import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBinary } from '../cluster/binaries.ts';
import { waitForLock } from '../cluster/lock.ts';
import { cacheDir } from '../cluster/paths.ts';
import { hasCommand, runCommand, tryCommand } from '../cluster/run-command.ts';

/** The AWS CLI with the botocore that it is built on, and moto as a second opinion. */
const packages = ['awscli==1.45.11', 'boto3==1.43.11', 'moto[server]==5.2.1'] as const;

/** Programs of the virtual environment. */
export interface AwsTools {
  readonly aws: string;
  readonly python: string;
  readonly motoServer: string;
}

const pluginVersion = 'v0.0.0-20260401221635-b79d06c1d3a2';

/**
 * The session-manager-plugin, by which the CLI talks to commands in tasks. It is built from its Go module: undefined where
 * there is no Go.
 */
export async function findSessionManagerPlugin(): Promise<string | undefined> {
  const source = {
    name: 'session-manager-plugin',
    version: pluginVersion,
    build: {
      module: 'session-manager-plugin',
      package: 'github.com/aws/session-manager-plugin/src/sessionmanagerplugin-main',
      variables: {},
    },
  };
  return (await hasCommand('go')) ? await ensureBinary(source, { progress: () => {} }) : undefined;
}

/** Installs them into the cache, once for these versions; says what the machine lacks where that cannot be. */
export async function ensureAwsTools(): Promise<AwsTools> {
  const dir = join(cacheDir(), 'aws-tools', packages.join('_').replaceAll(/[^A-Za-z0-9_.-]/g, '-'));
  const ready = join(dir, '.ready');
  await using _ = await waitForLock(`${dir}.lock`, { onWait: () => {} });
  if (!existsSync(ready)) {
    rmSync(dir, { recursive: true, force: true });
    await makeEnvironment(dir);
    await runCommand([join(dir, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', ...packages]);
    await runCommand(['touch', ready]);
  }
  const program = (name: string): string => join(dir, 'bin', name);
  return { aws: program('aws'), python: program('python'), motoServer: program('moto_server') };
}

async function makeEnvironment(dir: string): Promise<void> {
  if (!(await hasCommand('python3'))) {
    throw new Error(
      'The tests of local Fargate need Python 3.10 or later for the AWS CLI: apt-get install python3-venv',
    );
  }
  const { code, stderr, stdout } = await tryCommand(['python3', '-m', 'venv', dir]);
  if (code !== 0) {
    const said = stderr.trim() || stdout.trim();
    throw new Error(`python3 cannot make a virtual environment: apt-get install python3-venv (it said: ${said})`);
  }
}

/** What clients of AWS read: where, and with any credentials. */
export function awsEnvironment(endpoint: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  };
}

/** Runs the CLI and gives what it printed, read as JSON. */
export async function aws(tools: AwsTools, endpoint: string, args: readonly string[]): Promise<unknown> {
  const command = [tools.aws, ...args, '--output', 'json'];
  const printed = await runCommand(command, { env: awsEnvironment(endpoint) });
  return printed.trim() === '' ? undefined : (JSON.parse(printed) as unknown);
}
