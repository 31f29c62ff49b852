import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '../support/errors.ts';
import { Metrics, serveMetrics } from './metrics.ts';

test('metrics are served until the signal aborts, and an address that is taken is the operator’s to change', async () => {
  const ended = new AbortController();
  const { port, closed } = await serveMetrics(new Metrics(), { host: '127.0.0.1', port: 0 }, ended.signal);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.match(await response.text(), /rest_client_requests_total/);
  await assert.rejects(
    serveMetrics(new Metrics(), { host: '127.0.0.1', port }, ended.signal),
    (error) => hasCode(error, 'InvalidInput') && error.message.includes(`:${port}; choose another --metrics-addr`),
  );
  ended.abort();
  await closed;
});
