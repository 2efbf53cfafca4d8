import { decodeUtf8, utf8 } from '../git/bytes.js';

/** Where the published commit says, beside the policy, what the mirror refuses. There is no such file while it refuses nothing. */
export const MIRROR_REFUSES_PATH = '.kv/mirror-refuses';

/** That the mirror has not taken a namespace's refs for some time: what it shows of it may be old. */
export interface MirrorRefusal {
  /** ISO 8601 UTC with milliseconds, by the Stargate's clock. */
  readonly since: string;
  /** The code of the error that the Stargate got first, such as `SYNC_REFUSED`. */
  readonly code: string;
}

/** The namespaces that a mirror refuses. */
export type MirrorRefusals = ReadonlyMap<string, MirrorRefusal>;

const VERSION = 1;
const SINCE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CODE = /^[A-Z][A-Z_]{0,63}$/;

/** The file's bytes: JSON with the namespaces in order, no spaces, no final newline. */
export function encodeMirrorRefusals(refusals: MirrorRefusals): Uint8Array {
  const sorted = [...refusals].sort(([a], [b]) => (a < b ? -1 : 1));
  const namespaces = Object.fromEntries(sorted.map(([ns, { since, code }]) => [ns, { since, code }]));
  return utf8(JSON.stringify({ v: VERSION, namespaces }));
}

/** Reads the file. It is a help to readers and nothing more: another version, or what is damaged, says nothing. */
export function decodeMirrorRefusals(bytes: Uint8Array): Map<string, MirrorRefusal> {
  const file = fieldsOf(parse(decodeUtf8(bytes) ?? ''));
  const found = new Map<string, MirrorRefusal>();
  if (file['v'] !== VERSION) return found;
  for (const [ns, entry] of Object.entries(fieldsOf(file['namespaces']))) {
    const { since, code } = fieldsOf(entry);
    if (typeof since !== 'string' || typeof code !== 'string' || !SINCE.test(since) || !CODE.test(code)) continue;
    found.set(ns, { since, code });
  }
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // damaged: it says nothing
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
