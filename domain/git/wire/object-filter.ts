import { KvError } from '../../../ports/error.js';

/** What a client of a partial clone leaves out, to ask for it when it is needed (git's `rev-list --filter`). */
export interface ObjectFilter {
  /** Blobs of so many bytes or more; null for none of them. */
  readonly blobLimit: number | null;
  /** Trees and blobs that lie so many trees below a commit or more; null for none of them. */
  readonly treeDepth: number | null;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
/** Filters that are combined. */
const MOST = 16;

/** Reads `blob:none`, `blob:limit=<n>`, `tree:<depth>`, and `combine:` of these. Throws `INPUT_INVALID`. */
export function readFilter(text: string): ObjectFilter {
  if (!text.startsWith('combine:')) return one(text);
  const parts = text.slice('combine:'.length).split('+');
  if (parts.length > MOST) throw unknown(text);
  return parts.map((part) => one(decoded(part))).reduce(both);
}

function one(text: string): ObjectFilter {
  if (text === 'blob:none') return { blobLimit: 0, treeDepth: null };
  const [, limit, unit = ''] = /^blob:limit=(\d{1,12})([kmg]?)$/.exec(text) ?? [];
  if (limit !== undefined) return { blobLimit: Number(limit) * (UNITS[unit] ?? 1), treeDepth: null };
  const [, depth] = /^tree:(\d{1,9})$/.exec(text) ?? [];
  if (depth !== undefined) return { blobLimit: null, treeDepth: Number(depth) };
  throw unknown(text);
}

const both = (a: ObjectFilter, b: ObjectFilter): ObjectFilter => ({
  blobLimit: least(a.blobLimit, b.blobLimit),
  treeDepth: least(a.treeDepth, b.treeDepth),
});

const least = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw unknown(text); // a '%' that begins nothing
  }
}

const unknown = (text: string): KvError =>
  new KvError('INPUT_INVALID', `the filter '${text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?')}' is not served here`);
