import type { CloudWatchLogs } from '@aws-sdk/client-cloudwatch-logs';
import { hasCode } from '../../../support/errors.ts';
import type { Budgets } from '../aws/budgets.ts';
import type { AwsCaller } from '../aws/caller.ts';
import type { CallOptions } from '../ecs/ecs-api.ts';

export interface LogLine {
  readonly timeMs: number;
  readonly text: string;
}

export interface LogPage {
  /** The oldest first. */
  readonly lines: readonly LogLine[];
  /** Leads to what comes after; the same again at the end. */
  readonly forwardToken: string | undefined;
  /** Leads to what came before; the same again at the beginning. */
  readonly backwardToken: string | undefined;
}

export interface LogPageRequest {
  readonly stream: string;
  /** Where to go on; undefined begins at the head or at the end. */
  readonly token: string | undefined;
  readonly from: 'head' | 'end';
  readonly startMs: number | undefined;
  /** Lines of this moment and later are left out. */
  readonly endMs: number | undefined;
}

/** Reads streams of the log group. */
export class LogApi {
  readonly #logs: CloudWatchLogs;
  readonly #group: string;
  readonly #budgets: Budgets;
  readonly #caller: AwsCaller;

  constructor(options: {
    readonly logs: CloudWatchLogs;
    readonly group: string;
    readonly budgets: Budgets;
    readonly caller: AwsCaller;
  }) {
    this.#logs = options.logs;
    this.#group = options.group;
    this.#budgets = options.budgets;
    this.#caller = options.caller;
  }

  /** A page of a stream; undefined where there is no such stream: nothing was written (yet). */
  async page(request: LogPageRequest, { signal }: CallOptions): Promise<LogPage | undefined> {
    const { stream, token, from, startMs, endMs } = request;
    const input = {
      logGroupName: this.#group,
      logStreamName: stream,
      startFromHead: from === 'head',
      nextToken: token,
      startTime: startMs === undefined ? undefined : Math.floor(startMs),
      endTime: endMs,
    };
    const call = { what: `cannot read log stream ${stream}`, buckets: [this.#budgets.logReads], signal };
    try {
      const answer = await this.#caller.call(call, (http) => this.#logs.getLogEvents(input, http));
      return {
        lines: (answer.events ?? []).map(({ timestamp = 0, message = '' }) => ({ timeMs: timestamp, text: message })),
        forwardToken: answer.nextForwardToken,
        backwardToken: answer.nextBackwardToken,
      };
    } catch (error) {
      if (hasCode(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}
