import { KvError } from '../error.js';
import { isOid, type ObjectFormat, type Oid, type RefName } from '../vocabulary.js';

/** A move of one ref at the mirror; null stands for "does not exist". */
export interface MirroredMove {
  readonly ref: RefName;
  readonly old: Oid | null;
  readonly next: Oid | null;
}

/** What one link of a chain of bundles says (docs/FORMAT.md, "Mirror bundles"). */
export interface MirrorManifest {
  /** The id of the Stargate's repository; null where it had none yet. */
  readonly repository: string | null;
  readonly format: ObjectFormat;
  /** Which chain: 32 hex digits. Another one begins where its writer has forgotten how far it was. */
  readonly chain: string;
  /** From 1, without a gap. */
  readonly seq: number;
  /** The SHA-256 of the manifest before, hex; null in the first. */
  readonly prev: string | null;
  /** When it was written, ISO 8601 UTC. */
  readonly time: string;
  /** The file beside it; null where its moves bring no object. Size in bytes. */
  readonly bundle: { readonly sha256: string; readonly size: number } | null;
  readonly moves: readonly MirroredMove[];
  /** The SHA-256 of all refs after these moves, as `refsText` writes them. */
  readonly state: string;
}

/** What a manifest's signature is made for, so that it is good for nothing else (`ssh-keygen -Y sign -n`). */
export const MANIFEST_NAMESPACE = 'git-kv-mirror';

/** Larger manifests are none. Bytes. */
export const MAX_MANIFEST = 64 * 1024 * 1024;

const DIGITS = 12;
const VERSION = 1;
const SIGNATURE = '-----BEGIN SSH SIGNATURE-----\n';

/** The name of a link's manifest. */
export const manifestFile = (seq: number): string => `${String(seq).padStart(DIGITS, '0')}.manifest`;

/** The name of its bundle, which says what is in it: two writers of one number never meet in a file. */
export const bundleFile = (seq: number, sha256: string): string =>
  `${String(seq).padStart(DIGITS, '0')}-${sha256.slice(0, 16)}.bundle`;

/** The number of a manifest's file; null for another file. */
export function linkNumber(name: string): number | null {
  const [, digits] = /^(\d{12})\.manifest$/.exec(name) ?? [];
  return digits === undefined || Number(digits) === 0 ? null : Number(digits);
}

/** All refs as one text: a line `<id> <ref>` each, by the ref's name. */
export function refsText(refs: ReadonlyMap<RefName, Oid>): string {
  const lines = [...refs].map(([ref, oid]) => [ref, `${oid} ${ref}\n`] as const);
  return lines
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, line]) => line)
    .join('');
}

/** The bytes that are signed, and of which the next manifest names the digest: one line of JSON. */
export function manifestPayload({ repository, format, chain, seq, prev, time, bundle, moves, state }: MirrorManifest): string {
  const shown = moves.map(({ ref, old, next }) => ({ ref, old, next }));
  return `${JSON.stringify({ v: VERSION, repository, format, chain, seq, prev, time, bundle, moves: shown, state })}\n`;
}

/** A manifest's file, apart. */
export interface SignedManifest {
  readonly manifest: MirrorManifest;
  /** What was signed. */
  readonly payload: Uint8Array;
  readonly signature: string;
}

/** Reads a manifest's file: a line of JSON, then its signature. Throws `INPUT_INVALID`, `FORMAT_UNSUPPORTED` for a later version. */
export function parseManifestFile(bytes: Uint8Array, file: string): SignedManifest {
  const end = bytes.indexOf(0x0a) + 1;
  const [line, signature] = [text(bytes.subarray(0, end)), text(bytes.subarray(end))];
  if (end === 0 || line === null || signature === null || !signature.startsWith(SIGNATURE))
    throw malformed(file, 'it is cut off');
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    throw malformed(file, 'its first line is no JSON');
  }
  return { manifest: manifestOf(fields, file), payload: bytes.subarray(0, end), signature };
}

function manifestOf(fields: unknown, file: string): MirrorManifest {
  const of = (typeof fields === 'object' && fields !== null ? fields : {}) as Readonly<Record<string, unknown>>; // each is looked at below
  if (typeof of['v'] === 'number' && of['v'] > VERSION) {
    throw new KvError('FORMAT_UNSUPPORTED', `${file} is of version ${of['v']}, and this program knows version ${VERSION}`, {
      hint: 'use a newer git-kv',
    });
  }
  const { repository, format, chain, seq, prev, time, bundle, moves, state } = of;
  const wrong = (what: string): KvError => malformed(file, `its ${what} is none`);
  if (of['v'] !== VERSION) throw wrong('version');
  if (format !== 'sha1' && format !== 'sha256') throw wrong('object format');
  if (repository !== null && !isHex(repository, 32)) throw wrong('repository');
  if (!isHex(chain, 32)) throw wrong('chain');
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1 || seq >= 10 ** DIGITS) throw wrong('number');
  if ((prev === null) !== (seq === 1) || (prev !== null && !isHex(prev, 64))) throw wrong('predecessor');
  if (typeof time !== 'string' || !/^\d{4}-\d\d-\d\dT[\d:.]{8,15}Z$/.test(time)) throw wrong('time');
  if (!isHex(state, 64)) throw wrong('state');
  if (!Array.isArray(moves) || moves.length === 0) throw wrong('list of moves');
  const read = moves.map((move) => moveOf(move, format));
  if (read.includes(null) || new Set(read.map((move) => move?.ref)).size < read.length) throw wrong('list of moves');
  return {
    ...{ repository, format, chain, seq, prev, time, state },
    bundle: bundleOf(bundle, () => wrong('bundle')),
    moves: read.flatMap((move) => move ?? []),
  };
}

function moveOf(move: unknown, format: ObjectFormat): MirroredMove | null {
  if (typeof move !== 'object' || move === null) return null;
  const { ref, old, next } = move as Readonly<Record<string, unknown>>; // each is looked at below
  const isPlace = (oid: unknown): oid is Oid | null => oid === null || (typeof oid === 'string' && isOid(oid, format));
  if (typeof ref !== 'string' || !isMirroredRef(ref) || !isPlace(old) || !isPlace(next) || old === next) return null;
  return { ref, old, next };
}

function bundleOf(bundle: unknown, wrong: () => KvError): MirrorManifest['bundle'] {
  if (bundle === null) return null;
  const { sha256, size } = (typeof bundle === 'object' ? bundle : {}) as Readonly<Record<string, unknown>>; // each is looked at below
  if (!isHex(sha256, 64) || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 1) throw wrong();
  return { sha256, size };
}

/** Whether git, a manifest's reader and a file system can take a text for nothing but a full ref name. */
export function isMirroredRef(ref: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git allows none in a ref name
  return /^refs\/[^\x00-\x20~^:?*[\\\x7f]+$/.test(ref) && !/\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|[./]$/.test(ref);
}

const isHex = (value: unknown, digits: number): value is string =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);

function text(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null; // the caller says what is wrong with the file
  }
}

function malformed(file: string, why: string): KvError {
  return new KvError('INPUT_INVALID', `${file} is no manifest of a mirror bundle: ${why}`, { hint: 'bring that file anew' });
}
