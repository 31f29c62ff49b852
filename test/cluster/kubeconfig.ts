/** What a client presents to say who it is. */
export type Credential = { readonly certificate: string; readonly key: string } | { readonly token: string };

/** A kubeconfig as text: JSON, which is YAML. Everything is inline, so that the file can be copied elsewhere. */
export function renderKubeconfig({
  server,
  certificateAuthority,
  credential,
}: {
  server: string;
  certificateAuthority: string;
  credential: Credential;
}): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const user =
    'token' in credential
      ? { token: credential.token }
      : {
          'client-certificate-data': base64(credential.certificate),
          'client-key-data': base64(credential.key),
        };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server, 'certificate-authority-data': base64(certificateAuthority) } }],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
