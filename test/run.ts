import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBinary } from './cluster/binaries.ts';
import type { BinarySource } from './cluster/binary-sources.ts';
import { goSuiteSource } from './cluster/go-suite-source.ts';
import { assertLinuxRoot } from './cluster/system-packages.ts';
import { kubectlSource, metricsServerSource } from './cluster/tool-sources.ts';
import { middleKubectlVersions, newestKubectlVersion, oldestKubectlVersion } from './cluster/versions.ts';
import type { Counts } from './count-reporter.ts';
import { startSharedCluster } from './shared-cluster.ts';

/**
 * Runs the named suites in order (`node test/run.ts lint unit cluster e2e soak`), all of them even where one fails, and closes
 * with one line: `N passed, N failed`. Exits with 1 where anything failed or nothing ran, and with 2 before anything is run
 * where a suite needs root and there is none.
 */
const total = { passed: 0, failed: 0 };
const suites: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>> = {
  lint: runLint,
  unit: (signal) => runTests('unit', unitTests(), { signal }),
  // More than two cores need: these tests wait half of their time.
  cluster: (signal) => runTests('cluster', rootTests(), { concurrency: 3, signal }),
  e2e: (signal) =>
    runOnCluster('e2e', endToEndTests(), {
      // More than two cores need: these tests wait most of their time.
      concurrency: 3,
      tools: toolsOfE2e,
      signal,
    }),
  soak: (signal) =>
    runOnCluster('soak', globSync('test/soak/**/*.test.ts'), {
      tools: getTools(
        [...middleKubectlVersions, newestKubectlVersion].map((version) => kubectlSource(version)),
        signal,
      ),
      signal,
    }),
};

const suitesOfRoot: readonly string[] = ['cluster', 'e2e', 'soak'];

const asked = process.argv.slice(2);
if (asked.some((name) => suitesOfRoot.includes(name))) exitUnlessRoot();

const ended = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ended.abort(new Error(name)));

/** Built, where they have to be, beside the suites that run before. */
const toolsOfE2e = asked.includes('e2e')
  ? getTools([kubectlSource(oldestKubectlVersion), metricsServerSource, goSuiteSource], ended.signal)
  : Promise.resolve();
// Told where they are waited for.
toolsOfE2e.catch(() => {});

for (const name of asked) {
  const suite = suites[name];
  if (!suite) throw new Error(`there is no suite "${name}"; there are ${Object.keys(suites).join(', ')}`);
  const startedMs = Date.now();
  process.stdout.write(`\n▸ ${name}\n`);
  try {
    await suite(ended.signal);
  } catch (error) {
    total.failed++;
    process.stdout.write(`✖ ${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
  process.stdout.write(`▸ ${name} took ${Math.round((Date.now() - startedMs) / 1000)} s\n`);
  if (ended.signal.aborted) break;
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 || ended.signal.aborted ? 1 : 0;

/** At once: tests would fail one by one, some of them after minutes. */
function exitUnlessRoot(): void {
  try {
    assertLinuxRoot();
  } catch (error) {
    const needy = asked.filter((name) => suitesOfRoot.includes(name)).join(', ');
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${why}\nNothing was run, since ${needy} cannot be; \`make lint unit\` needs no root.\n`);
    process.exit(2);
  }
}

/** Its parser cannot read the declarations with `using` that tests may have. */
function productFiles(): string[] {
  return globSync('src/**/*.ts').filter((file) => !/\.test\.ts$|\/testing\//.test(file));
}

/** Those that need root: a Podman or a cluster of their own. They say so by what they import. */
function needsRoot(file: string): boolean {
  return /from '[^']*\/(podman-service|cluster)\.ts'/.test(readFileSync(file, 'utf8'));
}

function testsBesideCode(): string[] {
  return globSync(['src/**/*.test.ts', 'test/*.test.ts', 'test/cluster/*.test.ts', 'test/local-fargate/*.test.ts']);
}

function rootTests(): string[] {
  return testsBesideCode().filter(needsRoot);
}

function unitTests(): string[] {
  return testsBesideCode().filter((file) => !needsRoot(file));
}

/** The one that waits longest goes first, so that nothing waits for it alone in the end. */
function endToEndTests(): string[] {
  const longest = join('test', 'e2e', 'outages.test.ts');
  return [longest, ...globSync('test/e2e/**/*.test.ts').filter((file) => file !== longest)];
}

async function runLint(signal: AbortSignal): Promise<void> {
  for (const [what, command] of [
    ['types', ['tsc', '-p', '.']],
    ['style', ['biome', 'check', '--error-on-warnings', '.']],
    ['direction of imports', ['node', 'node_modules/.bin/depcruise', ...productFiles()]],
  ] as const) {
    const code = await run(command, { signal });
    total[code === 0 ? 'passed' : 'failed']++;
    process.stdout.write(`${code === 0 ? '✔' : '✖'} ${what}\n`);
  }
}

function progress(line: string): void {
  process.stdout.write(`  ${line}\n`);
}

async function getTools(tools: readonly BinarySource[], signal: AbortSignal): Promise<void> {
  for (const tool of tools) await ensureBinary(tool, { progress, signal });
}

async function runOnCluster(
  suite: string,
  files: readonly string[],
  options: {
    /** What tests of the suite use: waited for, since a build beside them would take their time away. */
    readonly tools: Promise<void>;
    readonly signal: AbortSignal;
    readonly concurrency?: number;
  },
): Promise<void> {
  const { signal } = options;
  await options.tools;
  const cluster = await startSharedCluster({ name: suite, signal, progress });
  try {
    const { commandPrefix: prefix, environment } = cluster;
    await runTests(suite, files, { ...options, prefix, environment });
  } finally {
    await cluster.stop();
  }
}

/** One process a file, as node's runner does, with the counts handed over in a file. */
async function runTests(
  suite: string,
  files: readonly string[],
  options: {
    readonly signal: AbortSignal;
    readonly prefix?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    /** Files at the same time. Default 2. */
    readonly concurrency?: number;
  },
): Promise<void> {
  if (files.length === 0) throw new Error(`no tests of ${suite} were found`);
  const folder = mkdtempSync(join(tmpdir(), 'virtual-kubelet-test-'));
  const countsFile = join(folder, 'counts.json');
  const code = await run(
    [
      ...(options.prefix ?? []),
      process.execPath,
      '--test',
      // A test that failed half-way leaves servers open: the run is to end all the same.
      '--test-force-exit',
      '--test-timeout=900000',
      `--test-concurrency=${options.concurrency ?? 2}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=./test/count-reporter.ts',
      `--test-reporter-destination=${countsFile}`,
      ...files,
    ],
    { signal: options.signal, environment: options.environment ?? {} },
  );
  try {
    // Nothing is in it where the runner was ended before its end.
    const text = readFileSync(countsFile, 'utf8');
    if (text === '') throw new Error(`the runner of ${suite} ended early, with code ${code}`);
    const counts = JSON.parse(text) as Counts;
    total.passed += counts.passed;
    total.failed += counts.failed;
    if (code !== 0 && counts.failed === 0) throw new Error(`the runner of ${suite} ended with code ${code}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(
  [command, ...args]: readonly string[],
  options: { readonly signal: AbortSignal; readonly environment?: Readonly<Record<string, string>> },
): Promise<number> {
  return new Promise((resolve, reject) => {
    if (options.signal.aborted) {
      reject(options.signal.reason as Error);
      return;
    }
    const child = spawn(command ?? '', args, { stdio: 'inherit', env: { ...process.env, ...options.environment } });
    const stop = (): void => void child.kill('SIGTERM');
    options.signal.addEventListener('abort', stop, { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      options.signal.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}
