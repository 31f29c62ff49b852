import { readFileSync } from 'node:fs';
import type { InspectedContainer } from './container-info.ts';

/** How Podman's watcher of a container (conmon) calls the container's OCI runtime. */
export interface OciRuntime {
  readonly path: string;
  /** Before its command. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Of the container: how its own process was started. */
  readonly configPath: string;
}

/** Undefined where the watcher, or what it works with, cannot be seen from here. */
export function ociRuntimeOf({ OCIConfigPath, State: { ConmonPid } }: InspectedContainer): OciRuntime | undefined {
  if (OCIConfigPath === undefined || ConmonPid === undefined) return undefined;
  try {
    const words = wordsOf(`/proc/${ConmonPid}/cmdline`);
    const runtimeDir = wordsOf(`/proc/${ConmonPid}/environ`).find((word) => word.startsWith(`${runtimeDirName}=`));
    const option = words.indexOf('-r');
    const path = option < 0 ? undefined : words[option + 1];
    if (!words[0]?.endsWith('conmon') || !path?.startsWith('/')) return undefined;
    return {
      path,
      args: runtimeArgs(words),
      environment: { [runtimeDirName]: runtimeDir?.slice(runtimeDirName.length + 1) ?? '' },
      configPath: OCIConfigPath,
    };
  } catch {
    return undefined;
  }
}

/** Where runtimes that are not root's keep their state. */
const runtimeDirName = 'XDG_RUNTIME_DIR';

function wordsOf(file: string): readonly string[] {
  return readFileSync(file, 'utf8').split('\0');
}

/** Those that conmon hands on, but where to log to. */
export function runtimeArgs(words: readonly string[]): readonly string[] {
  const args = words.flatMap((word, index) => {
    if (word.startsWith('--runtime-arg=')) return word.slice('--runtime-arg='.length);
    return words[index - 1] === '--runtime-arg' ? word : [];
  });
  return args.filter((arg, index) => !/^--log/.test(arg) && !/^--log(-format)?$/.test(args[index - 1] ?? ''));
}
