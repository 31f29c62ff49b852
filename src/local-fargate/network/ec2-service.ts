import { z } from 'zod';
import type { Account } from '../account.ts';
import { AwsError } from '../protocol/aws-error.ts';
import { operation } from '../protocol/operation.ts';
import type { QueryService } from '../protocol/query-protocol.ts';
import type { Task } from '../tasks/task.ts';
import type { TaskStore } from '../tasks/task-store.ts';
import { privateDnsName } from '../tasks/task-view.ts';

/** Amazon EC2, as far as tasks' network interfaces go. */
export function ec2Service({ tasks, account }: { readonly tasks: TaskStore; readonly account: Account }): QueryService {
  return {
    name: 'ec2',
    version: '2016-11-15',
    dialect: 'ec2',
    invalidInputCode: 'InvalidParameterValue',
    operations: [
      operation('DescribeNetworkInterfaces', z.record(z.string(), z.string()), (form) => {
        const attached = [...tasks.values()].filter(({ network }) => network.status === 'ATTACHED');
        const ids = listOf(form, 'NetworkInterfaceId');
        for (const id of ids) {
          if (!attached.some(({ network }) => network.interfaceId === id)) {
            throw new AwsError('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`);
          }
        }
        const filters = filtersOf(form);
        const found = attached.filter(
          (task) =>
            (ids.length === 0 || ids.includes(task.network.interfaceId)) &&
            filters.every(({ name, values }) => matches(task, { name, values })),
        );
        return { networkInterfaceSet: found.map((task) => interfaceView(task, account)) };
      }),
    ],
  };
}

type Form = Readonly<Record<string, string>>;

/** `Name.1`, `Name.2`, … */
function listOf(form: Form, name: string): readonly string[] {
  return Object.entries(form)
    .filter(([key]) => new RegExp(`^${name}\\.\\d+$`).test(key))
    .map(([, value]) => value);
}

function filtersOf(form: Form): readonly { readonly name: string; readonly values: readonly string[] }[] {
  return Object.entries(form).flatMap(([key, name]) => {
    const [, index] = /^Filter\.(\d+)\.Name$/.exec(key) ?? [];
    return index === undefined ? [] : [{ name, values: listOf(form, `Filter\\.${index}\\.Value`) }];
  });
}

function matches(
  { network, availabilityZone }: Task,
  { name, values }: { readonly name: string; readonly values: readonly string[] },
): boolean {
  const known: Readonly<Record<string, readonly string[]>> = {
    'addresses.private-ip-address': [network.privateIp ?? ''],
    'private-ip-address': [network.privateIp ?? ''],
    'network-interface-id': [network.interfaceId],
    'subnet-id': [network.subnetId],
    'group-id': network.securityGroups,
    'availability-zone': [availabilityZone],
    status: ['in-use'],
    'mac-address': [network.macAddress],
  };
  const own = known[name];
  if (!own) throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`);
  return own.some((value) => values.includes(value));
}

function interfaceView({ network, availabilityZone, arn }: Task, account: Account): Record<string, unknown> {
  const ip = network.privateIp ?? '';
  // There is no other network here: the public address is the private one.
  const association = network.assignPublicIp
    ? { publicIp: ip, publicDnsName: privateDnsName(ip, account.region), ipOwnerId: 'amazon' }
    : undefined;
  return {
    networkInterfaceId: network.interfaceId,
    subnetId: network.subnetId,
    availabilityZone,
    description: `arn:aws:ecs:${account.region}:${account.accountId}:attachment/${network.attachmentId} (${arn})`,
    ownerId: account.accountId,
    requesterManaged: true,
    status: 'in-use',
    macAddress: network.macAddress,
    privateIpAddress: ip,
    privateDnsName: privateDnsName(ip, account.region),
    sourceDestCheck: true,
    interfaceType: 'interface',
    groupSet: network.securityGroups.map((groupId) => ({ groupId, groupName: groupId })),
    attachment: { attachmentId: `eni-attach-${network.interfaceId.slice(4)}`, deviceIndex: 1, status: 'attached' },
    association,
    privateIpAddressesSet: [{ privateIpAddress: ip, primary: true, association }],
  };
}
