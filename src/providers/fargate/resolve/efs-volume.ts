import type { PersistentVolume } from '../../../kubernetes/objects.ts';
import { CodedError } from '../../../support/errors.ts';

/** A part of an EFS file system, as ECS mounts it. */
export interface EfsVolume {
  readonly fileSystemId: string;
  /** Undefined with an access point, which has its own. */
  readonly rootDirectory?: string;
  readonly accessPointId?: string;
  readonly encryptInTransit: boolean;
  /** Whether the task's role decides what it may do there. */
  readonly useIam: boolean;
  /** Whoever mounts it. */
  readonly readOnly: boolean;
}

const efsDriver = 'efs.csi.aws.com';
const accessPointOption = 'accesspoint=';
const knownOptions = ['tls', 'iam', 'ro', 'rw'];
/** Go's `strconv.ParseBool`. */
const truths: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  true: true,
  '0': false,
  f: false,
  false: false,
};

/**
 * The volume that a claim is bound to, read as the EFS driver does (`NodePublishVolume`). Throws `InvalidInput` with
 * everything of it that Fargate cannot mount so, or that the driver refuses.
 */
export function efsVolume({ spec }: PersistentVolume, claim: string): EfsVolume {
  const { driver, volumeHandle = '', volumeAttributes = {} } = spec?.csi ?? {};
  if (driver !== efsDriver) {
    throw refused([`claim ${claim} is bound to a volume of another kind than ${efsDriver}: Fargate mounts EFS alone`]);
  }
  const wrong: string[] = [];
  const refuse = (field: string, why: string): void => {
    wrong.push(`claim ${claim} is bound to a volume that Fargate cannot mount: ${field}: ${why}`);
  };
  if (spec?.volumeMode === 'Block') refuse('spec.volumeMode', 'EFS has no block devices');
  const attributes = readAttributes(volumeAttributes, refuse);
  const options = readOptions(spec?.mountOptions ?? [], refuse);
  const [fileSystemId = '', ofHandle, handlePoint = '', ...rest] = volumeHandle.split(':');
  if (!fileSystemId.startsWith('fs-') || rest.length > 0) {
    refuse('spec.csi.volumeHandle', `${volumeHandle} does not look like fs-0123:/path:fsap-0123`);
  }
  const points = new Set([handlePoint, ...options.accessPoints].filter((point) => point !== ''));
  if (points.size > 1) refuse('spec.mountOptions', `there are several access points: ${[...points].join(', ')}`);
  const [accessPointId] = points;
  const path = absolute(ofHandle || attributes.path || '/');
  if (accessPointId !== undefined && path !== '/') {
    refuse('spec.csi.volumeHandle', `ECS mounts the root of an access point alone, not ${path} in it`);
  }
  if (options.flags.has('tls') && attributes.encryptInTransit === false) {
    refuse('spec.mountOptions', 'tls stands against encryptInTransit: false');
  }
  if (wrong.length > 0) throw refused(wrong);
  const useIam = options.flags.has('iam');
  return {
    fileSystemId,
    ...(accessPointId === undefined ? { rootDirectory: path } : { accessPointId }),
    // ECS demands it for both; the driver has it unless it is told otherwise.
    encryptInTransit: accessPointId !== undefined || useIam || attributes.encryptInTransit !== false,
    useIam,
    readOnly: options.flags.has('ro'),
  };
}

type Refuse = (field: string, why: string) => void;

function readAttributes(
  attributes: Readonly<Record<string, string>>,
  refuse: Refuse,
): { readonly path?: string; readonly encryptInTransit?: boolean } {
  const read: { path?: string; encryptInTransit?: boolean } = {};
  for (const [name, value] of Object.entries(attributes)) {
    const field = `spec.csi.volumeAttributes.${name}`;
    switch (name.toLowerCase()) {
      case 'path':
        if (!value.startsWith('/')) refuse(field, `${value} is not an absolute path`);
        read.path = value;
        break;
      case 'encryptintransit': {
        const truth = truths[value.toLowerCase()];
        if (truth === undefined) refuse(field, `${value} is neither true nor false`);
        else read.encryptInTransit = truth;
        break;
      }
      // The provisioner's note of itself.
      case 'storage.kubernetes.io/csiprovisioneridentity':
        break;
      default:
        refuse(field, 'ECS has no such setting');
    }
  }
  return read;
}

function readOptions(
  mountOptions: readonly string[],
  refuse: Refuse,
): { readonly flags: ReadonlySet<string>; readonly accessPoints: readonly string[] } {
  const options = mountOptions.map((option) => option.toLowerCase());
  const isPoint = (option: string): boolean => option.startsWith(accessPointOption);
  const flags = options.filter((option) => !isPoint(option));
  for (const option of flags.filter((each) => !knownOptions.includes(each))) {
    refuse('spec.mountOptions', `ECS cannot mount with ${option}`);
  }
  return {
    flags: new Set(flags),
    accessPoints: options.filter(isPoint).map((option) => option.slice(accessPointOption.length)),
  };
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function refused(reasons: readonly string[]): CodedError {
  return new CodedError('InvalidInput', reasons.join('; '), { reason: 'UnsupportedPodSpec' });
}
