import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Runtime } from '../../runtime/runtime.ts';
import type { ContainerSessions } from '../../runtime/sessions.ts';
import { FakeRuntime } from '../../runtime/testing/fake-runtime.ts';
import type { UsageSource } from '../../runtime/usage.ts';
import { type Clock, systemClock } from '../../support/clock.ts';
import { silentLogger } from '../../support/logger.ts';
import { startLocalFargate } from '../local-fargate.ts';
import type { LocalFargateOptions } from '../options.ts';
import { defaultPositions } from '../switches/switches.ts';

/** What an operation answered: its members, or the code and message of a refusal. */
export interface Answered {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

const targets = {
  ecs: ['AmazonEC2ContainerServiceV20141113', '1.1'],
  logs: ['Logs_20140328', '1.1'],
  secretsmanager: ['secretsmanager', '1.1'],
  ssm: ['AmazonSSM', '1.1'],
  sqs: ['AmazonSQS', '1.0'],
} as const;

export type JsonServiceName = keyof typeof targets;

/** A local Fargate on a free port, with a state folder that outlives its restarts, and a plain client for it. */
export class TestFargate implements AsyncDisposable {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'local-fargate-'));
  readonly #runtime: Runtime;
  readonly #sessions: ContainerSessions;
  readonly #clock: Clock;
  readonly #options: Partial<LocalFargateOptions>;
  #ended = new AbortController();
  #running: { readonly endpoint: string; readonly done: Promise<void> } | undefined;

  constructor(
    runtime: Runtime,
    settings: {
      readonly clock?: Clock;
      readonly options?: Partial<LocalFargateOptions>;
      readonly sessions?: ContainerSessions;
    },
  ) {
    this.#runtime = runtime;
    this.#sessions = settings.sessions ?? noSessions;
    this.#clock = settings.clock ?? systemClock;
    this.#options = settings.options ?? {};
  }

  get endpoint(): string {
    if (!this.#running) throw new Error('it is not started');
    return this.#running.endpoint;
  }

  async start(): Promise<this> {
    this.#ended = new AbortController();
    const options: LocalFargateOptions = {
      host: '127.0.0.1',
      port: 0,
      region: 'us-east-1',
      accountId: '000000000000',
      stateDir: this.stateDir,
      podmanSocket: '',
      eventQueue: undefined,
      allowTmpfs: false,
      switches: { ...defaultPositions, throttling: 0 },
      logLevel: 'error',
      ...this.#options,
    };
    const deps = {
      runtime: this.#runtime,
      sessions: this.#sessions,
      usage: noUsage,
      signal: this.#ended.signal,
      log: silentLogger,
      clock: this.#clock,
    };
    this.#running = await startLocalFargate(options, deps);
    return this;
  }

  /** As SIGTERM would: containers run on. */
  async stop(): Promise<void> {
    this.#ended.abort(new Error('the test ends it'));
    await this.#running?.done;
    this.#running = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  /** Calls a JSON operation and gives whatever comes back. */
  async call(service: JsonServiceName, operation: string, input: unknown = {}): Promise<Answered> {
    const [prefix, version] = targets[service];
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: {
        'content-type': `application/x-amz-json-${version}`,
        'x-amz-target': `${prefix}.${operation}`,
        authorization: credential(service),
      },
      body: JSON.stringify(input),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** As `call`, for a call that must succeed. */
  async ok(service: JsonServiceName, operation: string, input: unknown = {}): Promise<Record<string, unknown>> {
    const { status, body } = await this.call(service, operation, input);
    if (status !== 200) throw new Error(`${operation} was refused: ${JSON.stringify(body)}`);
    return body;
  }

  /** As `call`, for a call that must be refused: `Code: message`. */
  async refusal(service: JsonServiceName, operation: string, input: unknown = {}): Promise<string> {
    const { status, body } = await this.call(service, operation, input);
    if (status === 200) throw new Error(`${operation} was not refused`);
    return `${String(body['__type']).replace(/^.*#/, '')}: ${String(body['message'])}`;
  }

  /** Turns switches, or asks for what else is under `/_local-fargate/`. */
  async admin(method: string, path: string, body?: unknown): Promise<Answered> {
    const response = await fetch(`${this.endpoint}/_local-fargate/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }
}

export function credential(service: string, region = 'us-east-1'): string {
  return `AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=00`;
}

/** Nobody is expected in a container. */
const noSessions: ContainerSessions = {
  runCommand: () => Promise.reject(new Error('no sessions in this test')),
  attach: () => Promise.reject(new Error('no sessions in this test')),
  connect: () => Promise.reject(new Error('no sessions in this test')),
};

/** Of a fake runtime: its containers have no processes. */
const noUsage: UsageSource = { container: () => undefined, network: () => undefined, forgetOthers: () => {} };

/** A fake runtime that can pull these images. */
export function fakeRuntime(
  clock: Clock,
  images: readonly string[] = ['docker.io/library/busybox:latest'],
): FakeRuntime {
  const runtime = new FakeRuntime(clock);
  for (const reference of images) {
    const repoDigest = `${reference.replace(/:[^:/]*$/, '')}@sha256:${'a'.repeat(64)}`;
    runtime.registry.set(reference, {
      id: `id-of-${reference}`,
      repoDigest,
      repoTags: [reference],
      user: '',
      sizeBytes: 1,
    });
  }
  return runtime;
}

/** Looks again and again until there is something; a deadline of ten seconds. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const untilMs = Date.now() + 10_000; ; await delay(5)) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > untilMs) throw new Error(`waited in vain for ${what}`);
  }
}
