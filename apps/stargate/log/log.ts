/** What a log line may carry: short facts. Never a value, a secret or key material. */
type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>;

/** Takes the events of the daemon, each with a name that stays and its own fields. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

const MAX_TEXT = 2000;
const MAX_LIST = 20;

/**
 * One JSON object a line. JSON escapes C0 controls; all else that steers a terminal, or that nobody sees, is escaped here: DEL, C1, the
 * Unicode line breaks, and what turns the direction of text.
 */
export function formatLine(level: string, now: number, event: string, fields: LogFields = {}): string {
  const entry: Record<string, unknown> = { ts: new Date(now).toISOString(), level, event };
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || name in entry) continue;
    entry[name] = bounded(value);
  }
  return JSON.stringify(entry).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) =>
    // JSON escapes UTF-16 units.
    [...Array(c.length).keys()].map((at) => `\\u${c.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

function bounded(value: LogFields[string]): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (typeof value !== 'object' || value === null) return value;
  const shown = value.slice(0, MAX_LIST).map(bounded);
  return value.length > MAX_LIST ? [...shown, `… ${value.length - MAX_LIST} more`] : shown;
}

/** NDJSON to a stream, standard error in the daemon. */
export function ndjsonLog(write: (line: string) => void, now: () => number): Log {
  const at = (level: string) => (event: string, fields?: LogFields) => write(`${formatLine(level, now(), event, fields)}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
