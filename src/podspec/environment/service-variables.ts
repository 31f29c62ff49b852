import type { Service } from '../../kubernetes/objects.ts';

/**
 * The variables that tell a pod of the services of its namespace (`WEB_SERVICE_HOST`, `WEB_PORT_80_TCP_ADDR`, …), and
 * of the API server's whether or not it wants to hear of others. Services without a cluster IP have none.
 */
export function serviceVariables(
  services: readonly Service[],
  pod: { readonly namespace: string; readonly enableServiceLinks: boolean },
): Record<string, string> {
  const visible = new Map<string, Service>();
  for (const service of services) {
    const { name = '', namespace } = service.metadata ?? {};
    if (!hasClusterIp(service)) continue;
    if (namespace === pod.namespace && pod.enableServiceLinks) visible.set(name, service);
    else if (namespace === 'default' && name === 'kubernetes' && !visible.has(name)) visible.set(name, service);
  }
  return Object.fromEntries([...visible].flatMap(([name, service]) => variablesOf(name, service)));
}

function hasClusterIp({ spec }: Service): boolean {
  return !!spec?.clusterIP && spec.clusterIP !== 'None';
}

function variablesOf(serviceName: string, { spec }: Service): [string, string][] {
  const prefix = variableName(serviceName);
  const address = spec?.clusterIP ?? '';
  const host = address.includes(':') ? `[${address}]` : address;
  const ports = spec?.ports ?? [];
  const first = ports[0];
  if (!first) return [[`${prefix}_SERVICE_HOST`, address]];
  const urlOf = ({ protocol = 'TCP', port }: typeof first): string => `${protocol.toLowerCase()}://${host}:${port}`;
  return [
    [`${prefix}_SERVICE_HOST`, address],
    [`${prefix}_SERVICE_PORT`, `${first.port}`],
    ...ports
      .filter(({ name }) => name)
      .map(({ name = '', port }): [string, string] => [`${prefix}_SERVICE_PORT_${variableName(name)}`, `${port}`]),
    [`${prefix}_PORT`, urlOf(first)],
    ...ports.flatMap((port): [string, string][] => {
      const protocol = port.protocol ?? 'TCP';
      const portPrefix = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
      return [
        [portPrefix, urlOf(port)],
        [`${portPrefix}_PROTO`, protocol.toLowerCase()],
        [`${portPrefix}_PORT`, `${port.port}`],
        [`${portPrefix}_ADDR`, address],
      ];
    }),
  ];
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
