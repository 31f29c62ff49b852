import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume } from '../../../kubernetes/objects.ts';
import { hasCode } from '../../../support/errors.ts';
import { type EfsVolume, efsVolume } from './efs-volume.ts';

type Spec = Omit<NonNullable<PersistentVolume['spec']>, 'csi'>;
type Attributes = Readonly<Record<string, string>>;

function read(volumeHandle: string, volumeAttributes: Attributes = {}, spec: Spec = {}): EfsVolume {
  const csi = { driver: 'efs.csi.aws.com', volumeHandle, volumeAttributes };
  return efsVolume({ spec: { ...spec, csi } }, 'data');
}

const whole = { fileSystemId: 'fs-1', rootDirectory: '/', encryptInTransit: true, useIam: false, readOnly: false };
const point = { fileSystemId: 'fs-1', accessPointId: 'fsap-1', encryptInTransit: true, useIam: false, readOnly: false };

const honoured: readonly (readonly [string, EfsVolume, EfsVolume])[] = [
  ['a whole file system', read('fs-1'), whole],
  ['a directory of the handle', read('fs-1:/team/x'), { ...whole, rootDirectory: '/team/x' }],
  ['a directory of the handle without a slash', read('fs-1:team'), { ...whole, rootDirectory: '/team' }],
  ['a directory of the attributes', read('fs-1', { path: '/sub' }), { ...whole, rootDirectory: '/sub' }],
  [
    'the handle’s directory before that of the attributes',
    read('fs-1:/a', { path: '/b' }),
    { ...whole, rootDirectory: '/a' },
  ],
  ['an access point', read('fs-1::fsap-1'), point],
  ['the root of an access point', read('fs-1:/:fsap-1'), point],
  ['an access point of the options', read('fs-1', {}, { mountOptions: ['accesspoint=fsap-1'] }), point],
  ['the same access point twice', read('fs-1::fsap-1', {}, { mountOptions: ['accesspoint=fsap-1'] }), point],
  ['a volume to read from', read('fs-1', {}, { mountOptions: ['ro'] }), { ...whole, readOnly: true }],
  ['no encryption', read('fs-1', { encryptInTransit: 'false' }), { ...whole, encryptInTransit: false }],
  ['a note of the provisioner', read('fs-1', { 'storage.kubernetes.io/csiProvisionerIdentity': 'x' }), whole],
];

const refused: readonly (readonly [string, RegExp, Parameters<typeof read>])[] = [
  ['a directory in an access point', /not \/team\/x in it/, ['fs-1:/team/x:fsap-1']],
  ['a directory of the attributes in an access point', /not \/sub in it/, ['fs-1::fsap-1', { path: '/sub' }]],
  ['two access points', /fsap-2, fsap-9/, ['fs-1::fsap-2', {}, { mountOptions: ['accesspoint=fsap-9'] }]],
  ['an unknown mount option', /mountOptions: ECS cannot mount with noexec/, ['fs-1', {}, { mountOptions: ['noexec'] }]],
  ['an unknown attribute', /volumeAttributes\.crossaccount/, ['fs-1', { crossaccount: 'true' }]],
  ['a relative path', /sub is not an absolute path/, ['fs-1', { path: 'sub' }]],
  ['a value that is no truth', /maybe is neither true nor false/, ['fs-1', { encryptInTransit: 'maybe' }]],
  [
    'tls that is switched off',
    /tls stands against/,
    ['fs-1', { encryptInTransit: 'false' }, { mountOptions: ['tls'] }],
  ],
  ['a block device', /spec\.volumeMode/, ['fs-1', {}, { volumeMode: 'Block' }]],
  ['a handle of something else', /vol-1 does not look like/, ['vol-1']],
  ['all at once', /noexec.*noatime/, ['fs-1', {}, { mountOptions: ['noexec', 'noatime'] }]],
];

describe('a volume of the EFS driver', () => {
  for (const [what, volume, expected] of honoured) it(`can be ${what}`, () => assert.deepEqual(volume, expected));
  for (const [what, message, args] of refused) {
    it(`cannot be ${what}`, () => {
      assert.throws(
        () => read(...args),
        (error) => hasCode(error, 'InvalidInput') && message.test(error.message),
      );
    });
  }
});
