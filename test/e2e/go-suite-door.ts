import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { connect, createServer } from 'node:tls';
import { CertificateAuthority } from '../cluster/certificates.ts';
import { credentialFiles } from '../cluster/credentials.ts';
import { cluster, type Ending } from './harness.ts';

/** Where it stands, and the kubelet API that it leads to, at the same address. */
export interface DoorPorts {
  readonly port: number;
  readonly kubeletPort: number;
}

/**
 * Hands on whatever comes to `port` of the node's address to its kubelet API, as `user`, until the test ends. It is for
 * who has no credentials: the API server shows none to a pod that it is asked to pass a request to.
 */
export async function openDoor(context: Ending, user: string, { port, kubeletPort }: DoorPorts): Promise<void> {
  const files = credentialFiles(cluster.runDir);
  const authority = await CertificateAuthority.load({
    certificate: readFileSync(files.certificateAuthority, 'utf8'),
    key: readFileSync(files.certificateAuthorityKey, 'utf8'),
  });
  const server = await authority.issue({ commonName: 'door', usage: 'server', ipAddresses: [cluster.nodeIp] });
  const client = await authority.issue({ commonName: user, usage: 'client' });
  const door = createServer({ cert: server.certificate, key: server.key }, (caller) => {
    const kubelet = connect({
      host: cluster.nodeIp,
      port: kubeletPort,
      cert: client.certificate,
      key: client.key,
      // It signs its own certificate.
      rejectUnauthorized: false,
    });
    // Either side may leave at any time.
    pipeline(caller, kubelet, caller).catch(() => undefined);
  });
  context.after(async () => void door.close());
  door.listen(port, cluster.nodeIp);
  await once(door, 'listening');
}
