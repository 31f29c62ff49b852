import { z } from 'zod';
import { hasCode, messageOf } from '../../support/errors.ts';
import type { Answer } from '../protocol/answer.ts';
import type { SideRoute } from '../protocol/server.ts';
import type { TaskManager } from '../tasks/task-manager.ts';
import type { CallCounts } from './call-counts.ts';
import { type Switches, switchesSchema } from './switches.ts';

const prefix = '/_local-fargate/';

/** A real Spot task is warned for so long. */
const spotWarningSeconds = 120;

const interruptInput = z.strictObject({
  task: z.string(),
  /** Seconds between the event and SIGTERM. */
  warningSeconds: z.number().min(0).default(spotWarningSeconds),
});

/**
 * What AWS has no API for, as JSON under `/_local-fargate/`:
 * `GET switches`, `PATCH switches` (those to turn), `POST interrupt` (a Spot task, by id), `GET calls` (counts by
 * operation), `DELETE calls`.
 */
export function adminRoute(deps: {
  readonly switches: Switches;
  readonly manager: TaskManager;
  readonly calls: CallCounts;
}): SideRoute {
  const { switches, manager, calls } = deps;
  const routes: Readonly<Record<string, (body: string) => unknown>> = {
    'GET switches': () => switches.positions,
    'PATCH switches': (body) => {
      switches.turn(withoutUndefined(switchesSchema.partial().parse(JSON.parse(body))));
      return switches.positions;
    },
    'POST interrupt': (body) => {
      const { task, warningSeconds } = interruptInput.parse(JSON.parse(body));
      const live = manager.get(task.slice(task.lastIndexOf('/') + 1));
      if (live.task.market !== 'FARGATE_SPOT') throw new SyntaxError(`task ${live.id} is not a Spot task`);
      live.stop('SpotInterruption', 'Your Spot Task was interrupted.', { warningMs: warningSeconds * 1000 });
      return {};
    },
    'GET calls': () => calls.all(),
    'DELETE calls': () => {
      calls.clear();
      return {};
    },
  };
  return async (method, path, body) => {
    if (!path.startsWith(prefix)) return undefined;
    const route = routes[`${method} ${path.slice(prefix.length)}`];
    if (!route) return json(404, { message: `there is ${Object.keys(routes).join(', ')} under ${prefix}` });
    try {
      return json(200, route(body));
    } catch (error) {
      if (hasCode(error, 'NotFound')) return json(404, { message: messageOf(error) });
      if (error instanceof z.ZodError || error instanceof SyntaxError) return json(400, { message: error.message });
      throw error;
    }
  };
}

function json(status: number, value: unknown): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** zod writes optional members as possibly undefined; those that are not there turn nothing. */
function withoutUndefined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
