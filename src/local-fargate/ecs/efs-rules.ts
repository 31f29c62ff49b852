import { AwsError } from '../protocol/aws-error.ts';
import type { Volume } from './task-definition.ts';

/** Throws `ClientException` with the first way to mount EFS that there is not. */
export function checkEfs({ efsVolumeConfiguration: efs }: Volume): void {
  if (!efs) return;
  const { accessPointId, iam } = efs.authorizationConfig ?? {};
  if (accessPointId !== undefined && !['/', undefined].includes(efs.rootDirectory)) {
    refuse('When using an EFS access point, the root directory must either be set to "/" or be omitted.');
  }
  if (efs.transitEncryption === 'ENABLED') return;
  if (iam === 'ENABLED') refuse('EFS IAM authorization requires TransitEncryption to be enabled.');
  if (accessPointId !== undefined) refuse('EFS access point requires TransitEncryption to be enabled.');
  if (efs.transitEncryptionPort !== undefined) {
    refuse('TransitEncryptionPort requires that TransitEncryption is enabled.');
  }
}

function refuse(message: string): never {
  throw new AwsError('ClientException', message);
}
