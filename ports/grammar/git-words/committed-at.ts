const COMMITTED = /\ncommitter [^\n]*>[ \t]*(\d+)/;

/**
 * When a commit was made, by its headers (a character a byte), Unix seconds; 0 where they don't tell. As git orders commits by it: what comes
 * behind the number, such as a zone that is none, or no zone at all, says nothing of when that was.
 */
export function committedAt(headers: string): number {
  const seconds = Number(COMMITTED.exec(headers)?.[1] ?? 0);
  return Number.isSafeInteger(seconds) ? seconds : 0;
}
