import type { Container } from '../../kubernetes/objects.ts';
import type { Attempt, PodSandbox } from '../pod/actual-pod.ts';
import type { ContainerIdentity } from '../pod/labels.ts';
import type { Waiting } from '../pod/notes.ts';

export type LifecycleHandler = NonNullable<NonNullable<Container['lifecycle']>['preStop']>;

/** One thing to do for a pod. Each may be done twice without harm. */
export type Action =
  | { readonly kind: 'set-up-volumes' }
  | {
      readonly kind: 'create-sandbox';
      readonly attempt: number;
      /** The pod had one with containers in it. */
      readonly replaces: boolean;
    }
  | { readonly kind: 'stop-sandbox' | 'remove-sandbox'; readonly id: string }
  | {
      readonly kind: 'start-container';
      readonly identity: ContainerIdentity;
      readonly sandbox: PodSandbox;
      /** It has been created before and only waits to be started. */
      readonly createdId: string | undefined;
      /** The container whose processes it is to see, where it asks for that; undefined where there is none of that name. */
      readonly targetId: string | undefined;
    }
  | { readonly kind: 'remove-container'; readonly id: string }
  /** Stop starting whatever is being started, before its next step. */
  | { readonly kind: 'abandon-starts' }
  | {
      readonly kind: 'run-pre-stop';
      readonly attempt: Attempt;
      readonly hook: LifecycleHandler;
      readonly deadlineMs: number;
      readonly message: string;
      readonly restart: boolean;
    }
  | {
      readonly kind: 'signal';
      readonly attempt: Attempt;
      readonly deadlineMs: number;
      readonly graceSeconds: number;
      readonly message: string;
      readonly restart: boolean;
    };

export interface CrashLoop extends Waiting {
  readonly attemptId: string;
  /** From its last end until its next start. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Plan {
  readonly actions: readonly Action[];
  /** Containers that wait in a crash loop, by name; `attemptId` is the container that ended last. */
  readonly crashLoops: ReadonlyMap<string, CrashLoop>;
  /** Containers that are to be started, now or later, by name. */
  readonly toStart: ReadonlySet<string>;
  /** `ended`: nothing runs and nothing will be started. */
  readonly stage: 'living' | 'ending' | 'ended';
  /** Set where the pod is ended for a reason that its exit codes do not tell. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  /** When to look again, whatever happens. */
  readonly nextAtMs: number | undefined;
}
