import { createHash } from 'node:crypto';

/** A snapshot of these key lines, with its end. */
export function snapshotOf(
  lines: readonly string[],
  header = '{"git-kv":"snapshot","v":1,"ns":"main","epoch":"2026Q1","commit":"0"}',
): string {
  const body = lines.map((line) => `${line}\n`).join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  return `${header}\n${body}{"git-kv":"end","keys":${lines.length},"sha256":"${sha256}"}\n`;
}

/** What follows a snapshot's header. */
export const keyLines = (text: string): string[] => text.trimEnd().split('\n').slice(1);
