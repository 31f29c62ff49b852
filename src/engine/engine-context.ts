import type { RecordPodEvent } from '../podspec/pod-events.ts';
import type { PodReferences } from '../podspec/references.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Clock } from '../support/clock.ts';
import type { Logger } from '../support/logger.ts';
import type { Random } from '../support/random.ts';
import type { MeasureFolders } from './disk/measure-folders.ts';
import type { Mounts } from './disk/mounts.ts';
import type { Owner } from './pod/labels.ts';

/** What pods learn of the node that they run on. */
export interface NodeFacts {
  /** The node's InternalIP. */
  readonly ip: string;
  readonly clusterDomain: string;
  /** Undefined leaves pods the runtime's own resolver. */
  readonly clusterDnsIp: string | undefined;
  /** What it has for pods, as quantities: cpu, memory and what else. */
  readonly allocatable: (options: { readonly signal: AbortSignal }) => Promise<Readonly<Record<string, string>>>;
}

/** What the engine is given: where it runs pods, for whom, and what it may ask. */
export interface EngineContext {
  readonly runtime: Runtime;
  readonly owner: Owner;
  readonly node: NodeFacts;
  /** Where volumes and what else outlives us is kept. */
  readonly rootDir: string;
  readonly mounts: Mounts;
  readonly measureFolders: MeasureFolders;
  readonly references: PodReferences;
  readonly recordEvent: RecordPodEvent;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}
