import type { Capabilities } from '../podspec/features/feature.ts';
import { CodedError } from '../support/errors.ts';
import type { CreateProvider } from './provider.ts';

/** What `providers/<name>/provider.ts` exports. */
export interface ProviderModule {
  readonly createProvider: CreateProvider;
  /** What its providers have as `capabilities`, known without making one. */
  readonly capabilities: Capabilities;
}

/** Loaded when asked for: nobody pays for the libraries of a provider that is not used. */
const modules = {
  memory: () => import('../providers/memory/provider.ts'),
  podman: () => import('../providers/podman/provider.ts'),
  aws: () => import('../providers/fargate/provider.ts'),
} as const satisfies Readonly<Record<string, () => Promise<ProviderModule>>>;

/** The values that `--provider` takes. */
export const providerNames: readonly string[] = Object.keys(modules);

/** The provider of this name; `InvalidInput` that lists the known ones where there is none. */
export async function loadProvider(name: string): Promise<ProviderModule> {
  const load = Object.entries(modules).find(([known]) => known === name)?.[1];
  if (load === undefined) {
    throw new CodedError('InvalidInput', `there is no provider "${name}"; there are ${providerNames.join(', ')}`);
  }
  return load();
}
