import type { StatusReport } from '../../../../domain/admin/status.js';
import { formatBytes, formatSeconds } from '../units.js';
import { printable } from '../../../../ports/grammar/printable.js';

/** The Stargate's answer as indented lines; it may be newer than this client, so every field is shown as it comes. */
export function statusText(status: StatusReport): string {
  return `${lines(forPeople(status), '').join('\n')}\n`;
}

/** Seconds since the start, and bytes of the disk, as people say them. */
function forPeople(status: StatusReport): object {
  const { uptime_s: uptime, disk } = status;
  return Object.fromEntries(
    Object.entries(status).map(([name, value]: [string, unknown]) => {
      if (name === 'uptime_s') return ['up', formatSeconds(uptime)];
      if (name !== 'disk' || disk === undefined) return [name, value];
      return [name, { ...disk, free: formatBytes(disk.free), size: formatBytes(disk.size) }];
    }),
  );
}

function lines(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => withBullet(lines(item, `${indent}  `), indent));
  if (typeof value !== 'object' || value === null) return [`${indent}${scalarText(value)}`];
  const entries = Object.entries(value);
  const width = Math.max(0, ...entries.filter(([, each]) => isScalar(each)).map(([name]) => name.length)) + 2;
  return entries.flatMap(([name, each]) => {
    if (isScalar(each)) return [`${indent}${`${printable(name)}:`.padEnd(width)}${scalarText(each)}`];
    return [`${indent}${printable(name)}:`, ...lines(each, `${indent}  `)];
  });
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null || Object.keys(value).length === 0;

/** A value in a line, without what would steer a terminal. */
export function scalarText(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'object') return '-';
  return printable(String(value));
}

function withBullet([first = '', ...rest]: readonly string[], indent: string): string[] {
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}
