/** Where the files of one container's cgroup are. */
export type CgroupFolders =
  | {
      readonly version: 1;
      readonly cpuacct: string;
      readonly memory: string;
      /** Undefined where the controller is not mounted. */
      readonly cpu?: string;
      readonly blkio?: string;
      readonly pids?: string;
    }
  | { readonly version: 2; readonly folder: string };

/** A hierarchy as it is mounted: its folder, and what of it is to be seen there. */
interface Mounted {
  readonly folder: string;
  readonly root: string;
}

export interface CgroupMounts {
  /** Version 1, by controller. */
  readonly controllers: ReadonlyMap<string, Mounted>;
  readonly unified: Mounted | undefined;
}

/** Reads `/proc/self/mountinfo` (proc(5)): its fields 4 and 5 are root and folder, the type and options follow ` - `. */
export function parseCgroupMounts(mountinfo: string): CgroupMounts {
  const controllers = new Map<string, Mounted>();
  let unified: Mounted | undefined;
  for (const line of mountinfo.split('\n')) {
    const [place = '', kind = ''] = line.split(' - ');
    const [type, , options = ''] = kind.split(' ');
    const [, , , root = '', folder = ''] = place.split(' ');
    if (type === 'cgroup2') unified ??= { folder, root };
    if (type === 'cgroup') for (const option of options.split(',')) controllers.set(option, { folder, root });
  }
  return { controllers, unified };
}

/**
 * Where the cgroup of a process is, from its `/proc/<pid>/cgroup`; undefined where that is not the container's. Version 1
 * counts where both are mounted, as then it has the controllers.
 */
export function findCgroup(mounts: CgroupMounts, cgroupFile: string, containerId: string): CgroupFolders | undefined {
  const paths = new Map<string, string>();
  for (const line of cgroupFile.split('\n')) {
    const parts = /^\d+:([^:]*):(.*)$/.exec(line);
    if (parts === null || !parts[2]?.includes(containerId)) continue;
    for (const controller of (parts[1] ?? '').split(',')) paths.set(controller, parts[2]);
  }
  const of = (name: string) => folderOf(mounts.controllers.get(name), paths.get(name), containerId);
  const [cpuacct, memory, cpu, blkio, pids] = [of('cpuacct'), of('memory'), of('cpu'), of('blkio'), of('pids')];
  if (cpuacct !== undefined && memory !== undefined) {
    return {
      version: 1,
      cpuacct,
      memory,
      ...(cpu === undefined ? {} : { cpu }),
      ...(blkio === undefined ? {} : { blkio }),
      ...(pids === undefined ? {} : { pids }),
    };
  }
  const folder = folderOf(mounts.unified, paths.get(''), containerId);
  return folder === undefined ? undefined : { version: 2, folder };
}

/** crun puts the container's processes below the cgroup that has its limits. */
function folderOf(mounted: Mounted | undefined, path: string | undefined, containerId: string): string | undefined {
  if (mounted === undefined || path === undefined) return undefined;
  const below = mounted.root !== '/' && path.startsWith(mounted.root) ? path.slice(mounted.root.length) : path;
  const end = below.indexOf('/', below.indexOf(containerId));
  return mounted.folder + (end < 0 ? below : below.slice(0, end));
}
