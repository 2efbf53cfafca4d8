/** What a log line may carry: short facts. Never a value, a secret or key material. */
type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>;

/** Takes the events of the daemon, each with a name that stays and its own fields. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

const MAX_TEXT = 2000;

/** One JSON object a line. JSON escapes C0 controls; DEL, C1 and the Unicode line breaks are escaped here. */
export function formatLine(level: string, now: number, event: string, fields: LogFields = {}): string {
  const entry: Record<string, unknown> = { ts: new Date(now).toISOString(), level, event };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || name in entry) continue;
    entry[name] = typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  }
  return JSON.stringify(entry).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** NDJSON to a stream, standard error in the daemon. */
export function ndjsonLog(write: (line: string) => void, now: () => number): Log {
  const at = (level: string) => (event: string, fields?: LogFields) => write(`${formatLine(level, now(), event, fields)}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
