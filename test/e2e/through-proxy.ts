import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { cluster } from './harness.ts';
import type { TcpProxy } from './tcp-proxy.ts';

/** The node's kubeconfig with the API server behind `proxy`. */
export async function kubeconfigThrough(proxy: TcpProxy, nodeName: string): Promise<string> {
  const path = await cluster.kubeconfigFor({ user: `system:node:${nodeName}`, groups: ['system:nodes'] });
  const text = readFileSync(path, 'utf8');
  assert.ok(text.includes(cluster.apiServerUrl));
  writeFileSync(path, text.replace(cluster.apiServerUrl, `https://${apiServerAddress().host}:${proxy.port}`));
  return path;
}

/** Where the API server listens. */
export function apiServerAddress(): { host: string; port: number } {
  const { hostname, port } = new URL(cluster.apiServerUrl);
  return { host: hostname, port: Number(port) };
}
