import { KvError } from '../../../ports/error.js';
import { isOid, type ObjectFormat, type Oid, type RefName } from '../../../ports/vocabulary.js';
import { decodeUtf8 } from '../bytes.js';

/** What a bundle says before its pack (gitformat-bundle, versions 2 and 3). */
export interface BundleHeader {
  /** Its refs; HEAD may be one. */
  readonly refs: ReadonlyMap<RefName, Oid>;
  /** Commits that it builds on. */
  readonly needs: readonly Oid[];
  /** Where the pack begins. */
  readonly packAt: number;
}

const MOST = 8 * 1024 * 1024;

/** Reads a bundle's header. Throws `INPUT_INVALID` for what is none, `NOT_SUPPORTED` for ids of another hash and for parts of objects. */
export function readBundleHeader(bytes: Uint8Array, format: ObjectFormat): BundleHeader {
  let end = bytes.indexOf(10);
  while (end >= 0 && end < MOST && bytes[end + 1] !== 10) end = bytes.indexOf(10, end + 1);
  if (end < 0 || end >= MOST) throw invalid('it has no header');
  const text = decodeUtf8(bytes.subarray(0, end));
  if (text === undefined) throw invalid('its header is not UTF-8');
  const [signature = '', ...lines] = text.split('\n');
  if (!/^# v[23] git bundle$/.test(signature)) throw invalid('it does not begin as one');
  const refs = new Map<RefName, Oid>();
  const needs: Oid[] = [];
  let theirs = 'sha1';
  for (const line of lines) {
    if (line.startsWith('@object-format=')) theirs = line.slice('@object-format='.length);
    else if (line.startsWith('@')) throw new KvError('NOT_SUPPORTED', 'bundles that leave objects out are not taken');
    else if (line.startsWith('-')) needs.push(line.slice(1).split(' ', 1)[0] ?? '');
    else {
      const space = line.indexOf(' ');
      refs.set(line.slice(space + 1), line.slice(0, Math.max(0, space)));
    }
  }
  if (theirs !== format)
    throw new KvError('NOT_SUPPORTED', `a bundle of ${theirs.slice(0, 20)} ids can't go into a repository of ${format} ids`);
  for (const oid of [...refs.values(), ...needs]) if (!isOid(oid, format)) throw invalid('it names an id that is none');
  return { refs, needs, packAt: end + 2 };
}

const invalid = (why: string): KvError =>
  new KvError('INPUT_INVALID', `this is no bundle: ${why}`, { hint: 'make one with `git bundle create`' });
