import type { Rate } from './token-bucket.ts';

/** ECS's buckets for an account in a Region, as its documentation has them. */
export const rates = {
  'cluster-modify': { burst: 20, perSecond: 1 },
  'cluster-read': { burst: 50, perSecond: 20 },
  'definition-modify': { burst: 20, perSecond: 1 },
  'definition-delete': { burst: 5, perSecond: 1 },
  'definition-read': { burst: 50, perSecond: 20 },
  'task-modify': { burst: 100, perSecond: 40 },
  'task-read': { burst: 100, perSecond: 20 },
  'tag-modify': { burst: 20, perSecond: 10 },
  'tag-read': { burst: 50, perSecond: 20 },
  /** Tasks started, each market apart. */
  'launch-FARGATE': { burst: 100, perSecond: 20 },
  'launch-FARGATE_SPOT': { burst: 100, perSecond: 20 },
} as const satisfies Readonly<Record<string, Rate>>;

export type BucketName = keyof typeof rates;
