import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCodedError } from './podman-error.ts';

/** As Podman 4.3.1 says it. */
const cases = [
  { status: 404, message: 'no container with name or ID "x" found: no such container', code: 'NotFound' },
  { status: 500, message: 'no pod with name or ID p9 found: no such pod', code: 'NotFound' },
  { status: 404, message: 'failed to find image nginx: nginx: image not known', code: 'NotFound' },
  {
    status: 500,
    message:
      'creating container storage: the container name "f1" is already in use by 888b. You have to remove that container to be able to reuse that name: that name is already in use',
    code: 'AlreadyExists',
  },
  { status: 409, message: 'adding pod to state: name "p1" is in use: pod already exists', code: 'AlreadyExists' },
  {
    status: 500,
    message: 'can only create exec sessions on running containers: container state improper',
    code: 'Conflict',
  },
  {
    status: 500,
    message:
      'runc: runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found',
    code: 'InvalidInput',
    says: 'runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
  },
  {
    status: 500,
    message:
      'crun: executable file `nosuch` not found in $PATH: OCI runtime attempted to invoke a command that was not found',
    code: 'InvalidInput',
    says: 'executable file `nosuch` not found in $PATH',
  },
  { status: 500, message: 'unable to find user x: no matching entries in passwd file', code: 'InvalidInput' },
  { status: 500, message: 'failed to decode specgen: invalid IP address: x', code: 'InvalidInput' },
  { status: 500, message: 'statfs /nosuch: no such file or directory', code: 'Internal' },
  { status: 400, message: 'failed to parse parameters', code: 'InvalidInput' },
  {
    status: 500,
    message:
      'building local pause image: finding pause binary: could not find "catatonit" in one of [/usr/libexec/podman]',
    code: 'Unavailable',
    says: /install the package catatonit/,
  },
  { status: 502, message: '', code: 'Internal', says: 'Podman answered with status 502' },
] as const;

for (const { status, message, code, ...rest } of cases) {
  test(`${code}: ${message.slice(0, 60)}`, () => {
    const error = toCodedError(status, { message });
    const says = 'says' in rest ? rest.says : message;
    assert.equal(error.code, code);
    if (says instanceof RegExp) assert.match(error.message, says);
    else assert.equal(error.message, says);
  });
}
