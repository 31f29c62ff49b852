import { readFileSync } from 'node:fs';
import { cluster } from './harness.ts';

/** An exec plugin: prints a client certificate of a node that dies after the given milliseconds. */
const [nodeName = '', lifeMs = ''] = process.argv.slice(2);
const path = await cluster.kubeconfigFor({
  user: `system:node:${nodeName}`,
  groups: ['system:nodes'],
  expiresInMs: Number(lifeMs),
});
const text = readFileSync(path, 'utf8');
const field = (name: string): string => {
  const value = new RegExp(`"?${name}"?:\\s*"?([A-Za-z0-9+/=]+)`).exec(text)?.[1];
  if (!value) throw new Error(`the kubeconfig has no ${name}`);
  return Buffer.from(value, 'base64').toString();
};
process.stdout.write(
  JSON.stringify({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: {
      expirationTimestamp: new Date(Date.now() + Number(lifeMs)).toISOString(),
      clientCertificateData: field('client-certificate-data'),
      clientKeyData: field('client-key-data'),
    },
  }),
);
