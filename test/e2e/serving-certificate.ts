import { waitFor } from '../cluster/wait-for.ts';
import { kubectl, type Stage } from './harness.ts';

/** Signs, as the administrator, for the certificate that the stage's node has asked for or will ask for. */
export async function approveServingCertificate(stage: Stage): Promise<void> {
  const request = await waitFor(
    async () => {
      const lines = await kubectl(
        ...['get', 'csr', '--output=jsonpath={range .items[*]}{.metadata.name} {.spec.username}{"\\n"}{end}'],
      );
      return lines.split('\n').find((line) => line.endsWith(` system:node:${stage.nodeName}`));
    },
    { what: 'the request for a serving certificate', timeoutMs: 20_000 },
  );
  await kubectl('certificate', 'approve', request.split(' ')[0] ?? '');
}
