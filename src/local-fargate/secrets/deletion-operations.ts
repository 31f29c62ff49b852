import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { type Operation, operation } from '../protocol/operation.ts';
import type { SecretStore } from './secret-store.ts';

const defaultRecoveryDays = 30;
const dayMs = 86_400_000;
const SecretId = z.string().min(1).max(2048);

/** DeleteSecret with its recovery window, and the way back. */
export function deletionOperations({
  store,
  clock,
}: {
  readonly store: SecretStore;
  readonly clock: Clock;
}): readonly Operation[] {
  const remove = operation(
    'DeleteSecret',
    z.object({
      SecretId,
      RecoveryWindowInDays: z.number().int().min(7).max(30).optional(),
      ForceDeleteWithoutRecovery: z.boolean().default(false),
    }),
    (input) => {
      if (input.ForceDeleteWithoutRecovery && input.RecoveryWindowInDays !== undefined) {
        throw new AwsError(
          'InvalidParameterException',
          "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        );
      }
      const nowMs = clock.now();
      if (input.ForceDeleteWithoutRecovery) {
        const secret = store.get(input.SecretId);
        store.delete(secret.name);
        return { ARN: secret.arn, Name: secret.name, DeletionDate: nowMs / 1000 };
      }
      const secret = store.getUsable(input.SecretId);
      const goneAtMs = nowMs + (input.RecoveryWindowInDays ?? defaultRecoveryDays) * dayMs;
      store.put({ ...secret, deletedAtMs: nowMs, goneAtMs });
      return { ARN: secret.arn, Name: secret.name, DeletionDate: goneAtMs / 1000 };
    },
  );
  const restore = operation('RestoreSecret', z.object({ SecretId }), (input) => {
    const { deletedAtMs: _deletedAtMs, goneAtMs: _goneAtMs, ...secret } = store.get(input.SecretId);
    store.put(secret);
    return { ARN: secret.arn, Name: secret.name };
  });
  return [remove, restore];
}
