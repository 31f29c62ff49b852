import { CodedError, hasCode } from '../../support/errors.ts';
import type { CallOptions, LabelFilter, Sandbox, SandboxSpec } from '../runtime.ts';
import { type LibpodClient, segment, toFilters, toLabelFilter } from './client.ts';
import type { InspectedContainer } from './container-info.ts';
import { type Dns, toPodSpecGenerator } from './container-spec.ts';
import { infraNameOf } from './infra-name.ts';

/** What we read of an entry of `GET /pods/json`. */
interface ListedPod {
  readonly Id: string;
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Created: string;
  readonly InfraId: string;
  readonly Containers: readonly { readonly Id: string; readonly Status: string }[] | null;
}

/** What we read of `GET /pods/{id}/json`. */
interface InspectedPod {
  readonly Created: string;
  readonly InfraContainerID: string;
  readonly InfraConfig: {
    readonly HostNetwork: boolean;
    readonly DNSServer?: readonly string[] | null;
    readonly DNSSearch?: readonly string[] | null;
    readonly DNSOption?: readonly string[] | null;
  };
  readonly Containers: readonly { readonly Id: string; readonly State: string }[] | null;
}

/** What stays as it was made. */
export interface SandboxSettings {
  readonly infraId: string;
  readonly createdAtMs: number;
  /** For containers that join, where they do not share the sandbox's own resolv.conf. */
  readonly dns: Dns | undefined;
}

/** Sandboxes are Podman's pods: an infra container that only waits holds network, IPC and host name. */
export class Sandboxes {
  readonly #client: LibpodClient;
  /** Addresses of ready sandboxes, by their id: a list does not tell them. */
  readonly #ips = new Map<string, readonly string[]>();
  /** By the sandbox's id. They never change. */
  readonly #settings = new Map<string, SandboxSettings>();

  constructor(client: LibpodClient) {
    this.#client = client;
  }

  async run(spec: SandboxSpec, options: CallOptions): Promise<Sandbox> {
    const infraName = infraNameOf(spec.name);
    const { Id: id } = await this.#client.json<{ readonly Id: string }>(
      { method: 'POST', path: '/pods/create', body: toPodSpecGenerator(spec, infraName) },
      options,
    );
    try {
      // Starting the pod would do the same and say less about what goes wrong.
      await this.#client.call({ method: 'POST', path: `/containers/${segment(infraName)}/start` }, options);
      const { infraId, createdAtMs } = await this.settings(id, options);
      const ips = await this.#ipsOf(id, infraId, options);
      return { id, name: spec.name, labels: spec.labels, ready: true, ips, createdAtMs };
    } catch (error) {
      if (!options.signal.aborted) await this.remove(id, options).catch(() => {});
      throw error;
    }
  }

  async list(filter: LabelFilter, options: CallOptions): Promise<readonly Sandbox[]> {
    const pods = await this.#client.json<readonly ListedPod[]>(
      { method: 'GET', path: '/pods/json', query: { filters: toFilters({ label: toLabelFilter(filter) }) } },
      options,
    );
    return await Promise.all(pods.map((pod) => this.#toSandbox(pod, options)));
  }

  /** Not by Podman's own stop of a pod, which does nothing where one of its containers has ended already. */
  async stop(id: string, options: CallOptions): Promise<void> {
    const pod = await unlessGone(this.#inspectPod(id, options));
    if (!pod) return;
    const infraId = pod.InfraContainerID;
    const others = pod.Containers?.filter(({ Id, State }) => Id !== infraId && State === 'running') ?? [];
    await Promise.all(others.map(({ Id }) => this.#kill(Id, options)));
    await this.#kill(infraId, options);
    this.#ips.delete(id);
  }

  async remove(id: string, options: CallOptions): Promise<void> {
    const query = { force: true, timeout: 0 };
    await unlessGone(this.#client.call({ method: 'DELETE', path: `/pods/${segment(id)}`, query }, options));
    this.#settings.delete(id);
    this.#ips.delete(id);
  }

  /**
   * Rejects with `Conflict` unless the sandbox is up. Podman would start the infra container of one that is not along with
   * a container, and give it another address.
   */
  async assertReady(id: string, options: CallOptions): Promise<void> {
    const { InfraContainerID, Containers } = await this.#inspectPod(id, options);
    if (Containers?.find(({ Id }) => Id === InfraContainerID)?.State !== 'running') {
      throw new CodedError('Conflict', `sandbox ${id} is not up: nothing can be started in it`);
    }
  }

  async settings(id: string, options: CallOptions): Promise<SandboxSettings> {
    const known = this.#settings.get(id);
    if (known) return known;
    const { InfraContainerID, InfraConfig: infra, Created } = await this.#inspectPod(id, options);
    const servers = infra.DNSServer ?? [];
    const settings: SandboxSettings = {
      infraId: InfraContainerID,
      createdAtMs: Date.parse(Created),
      dns:
        infra.HostNetwork && servers.length > 0
          ? { servers, searches: infra.DNSSearch ?? [], options: infra.DNSOption ?? [] }
          : undefined,
    };
    this.#settings.set(id, settings);
    return settings;
  }

  async #toSandbox(pod: ListedPod, options: CallOptions): Promise<Sandbox> {
    const ready = pod.Containers?.find(({ Id }) => Id === pod.InfraId)?.Status === 'running';
    const ips = ready ? await this.#ipsOf(pod.Id, pod.InfraId, options) : [];
    if (!ready) this.#ips.delete(pod.Id);
    return { id: pod.Id, name: pod.Name, labels: pod.Labels ?? {}, ready, ips, createdAtMs: Date.parse(pod.Created) };
  }

  async #ipsOf(id: string, infraId: string, options: CallOptions): Promise<readonly string[]> {
    const known = this.#ips.get(id);
    if (known) return known;
    const path = `/containers/${segment(infraId)}/json`;
    const infra = await unlessGone(this.#client.json<InspectedContainer>({ method: 'GET', path }, options));
    if (!infra) return [];
    const ips = ipsOf(infra);
    this.#ips.set(id, ips);
    return ips;
  }

  async #kill(containerId: string, options: CallOptions): Promise<void> {
    const path = `/containers/${segment(containerId)}/stop`;
    await unlessGone(this.#client.wait({ method: 'POST', path, query: { timeout: 0 } }, options));
  }

  async #inspectPod(id: string, options: CallOptions): Promise<InspectedPod> {
    return await this.#client.json({ method: 'GET', path: `/pods/${segment(id)}/json` }, options);
  }
}

/** IPv4 first, as podIP is wanted. */
function ipsOf({ NetworkSettings: { Networks: networks } }: InspectedContainer): readonly string[] {
  const all = Object.values(networks ?? {});
  return [...all.map(({ IPAddress }) => IPAddress), ...all.map(({ GlobalIPv6Address }) => GlobalIPv6Address)].filter(
    (ip) => ip !== '',
  );
}

/** Undefined where what was asked for does not exist. */
async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasCode(error, 'NotFound')) return undefined;
    throw error;
  }
}
