import type { ApiSettings } from '../settings.js';

/** How much a line matters. */
type Level = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL';

/** Writes a line; fields are short facts, never a secret. */
export type ApiLog = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;

const LEVELS: readonly string[] = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** Lines of JSON, or of text, from a level on. Whatever could steer a terminal or begin a line is escaped. */
export function apiLog(
  { logLevel, logFormat }: Pick<ApiSettings, 'logLevel' | 'logFormat'>,
  write: (line: string) => void,
  now: () => number,
): ApiLog {
  const least = LEVELS.indexOf(logLevel);
  return (level, message, fields = {}) => {
    if (LEVELS.indexOf(level) < least) return;
    const timestamp = new Date(now()).toISOString();
    const line =
      logFormat === 'json'
        ? JSON.stringify({ timestamp, level, message, ...fields })
        : [timestamp, level, message, ...Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(
            ' ',
          );
    write(`${escaped(line)}\n`);
  };
}

function escaped(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) =>
    // JSON escapes UTF-16 units.
    Array.from({ length: c.length }, (_, at) => `\\u${c.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}
