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
