/** The numbers of a file with one `name value` a line: cpu.stat, memory.stat. */
export function parseFlatKeyed(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    if (at > 0) values.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return values;
}

/** A limit of memory; undefined for none: `max`, or in version 1 a number beyond any machine. */
export function parseLimit(text: string): number | undefined {
  const bytes = Number(text);
  return Number.isFinite(bytes) && bytes < 2 ** 60 ? bytes : undefined;
}

/** Of version 1's blkio files, by device: `8:0 Read 4096` and other lines. */
export function parseBlkio(text: string): ReadonlyMap<string, { readonly read: number; readonly write: number }> {
  const devices = new Map<string, { read: number; write: number }>();
  for (const line of text.split('\n')) {
    const [numbers = '', kind, value] = line.split(' ');
    if (kind !== 'Read' && kind !== 'Write') continue;
    const device = devices.get(numbers) ?? { read: 0, write: 0 };
    device[kind === 'Read' ? 'read' : 'write'] = Number(value);
    devices.set(numbers, device);
  }
  return devices;
}

/** Of version 2's io.stat, a line a device: `8:0 rbytes=4096 wbytes=0 …`; devices never touched have no values. */
export function parseIoStat(text: string) {
  return text.split('\n').flatMap((line) => {
    const [numbers = '', ...pairs] = line.split(' ').filter((part) => part !== '');
    if (pairs.length === 0) return [];
    const values = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), Number(pair.split('=')[1])]));
    return [{ numbers, values }];
  });
}

export function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** Interfaces of `/proc/<pid>/net/dev` but loopback. Each line: name, eight numbers received, eight sent. */
export function parseNetDev(text: string) {
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name, counters] = line.split(':');
      if (name === undefined || counters === undefined || name.trim() === 'lo') return [];
      const [rxBytes = 0, rx = 0, rxErrors = 0, rxDropped = 0, , , , , ...sent] = counters
        .trim()
        .split(/\s+/)
        .map(Number);
      const [txBytes = 0, tx = 0, txErrors = 0, txDropped = 0] = sent;
      const packets = { rx, rxDropped, tx, txDropped };
      return [{ name: name.trim(), rxBytes, rxErrors, txBytes, txErrors, packets }];
    });
}
