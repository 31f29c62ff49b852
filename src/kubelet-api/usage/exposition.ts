/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** When it was read, where that is not now; milliseconds since the epoch. */
  readonly timeMs?: number | undefined;
}

/** A metric with all its values, which are made as they are written. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: Iterable<Sample>;
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

const pieceChars = 64 * 1024;

/** Prometheus' text format (0.0.4), in pieces: ten thousand pods make megabytes. A metric without values is left out. */
export function* exposition(families: Iterable<MetricFamily>): Generator<string> {
  let piece = '';
  for (const { name, help, type, samples } of families) {
    let head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) {
      piece += `${head}${name}${labels(sample.labels)} ${sample.value}${time(sample.timeMs)}\n`;
      head = '';
      if (piece.length >= pieceChars) {
        yield piece;
        piece = '';
      }
    }
  }
  yield piece;
}

function labels(given: Sample['labels']): string {
  const pairs = Object.entries(given).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function time(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : ` ${Math.round(timeMs)}`;
}
