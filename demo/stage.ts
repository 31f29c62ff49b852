import type { Cluster } from '../test/cluster/cluster.ts';
import type { Background } from './background.ts';
import type { Terminal } from './terminal.ts';

/** What a story plays on. */
export interface Stage {
  readonly cluster: Cluster;
  readonly terminal: Terminal;
  readonly background: Background;
}

export interface Story {
  /** What its commands, and those of whoever plays on, read beside what finds the cluster. */
  readonly environment: Readonly<Record<string, string>>;
  /** Commands to try when it is over. */
  readonly encore: readonly string[];
  play(stage: Stage): Promise<void>;
}
