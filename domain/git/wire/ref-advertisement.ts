import type { Oid, RefName } from '../../../ports/vocabulary.js';
import { concat, decodeLoose, utf8 } from '../bytes.js';
import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';

/** A list of refs as upload-pack gives it: protocol v0 (gitprotocol-pack, "Reference Discovery") or v2 (`ls-refs`). */
export interface RefAdvertisement {
  /** Whole payloads, in order. */
  readonly lines: readonly Uint8Array[];
  /** The prefixes that were asked for; null: all. */
  readonly prefixes: readonly string[] | null;
}

/** `oid SP name`, and what follows: capabilities after a NUL, or attributes after a space. */
const LINE = /^([0-9a-f]{40}|[0-9a-f]{64}) ([^\0 \n]+)/;

/** The refs of a list that `wanted` picks. */
export function advertisedRefs({ lines }: RefAdvertisement, wanted: (ref: RefName) => boolean): Map<RefName, Oid> {
  const refs = new Map<RefName, Oid>();
  for (const line of lines) {
    const [, oid, name] = LINE.exec(decodeLoose(line)) ?? [];
    if (oid !== undefined && name !== undefined && wanted(name)) refs.set(name, oid);
  }
  return refs;
}

/** Whether a list with these prefixes tells of a ref. */
export const isAsked = ({ prefixes }: RefAdvertisement, ref: RefName): boolean =>
  prefixes === null || prefixes.some((prefix) => ref.startsWith(prefix));

/**
 * The list once more, framed, where the refs that `wanted` picks are those of `refs`, and all others as they are. A list of no refs at
 * all stays as it is.
 */
export function withRefs(list: RefAdvertisement, wanted: (ref: RefName) => boolean, refs: ReadonlyMap<RefName, Oid>): Uint8Array {
  const told = new Set<RefName>();
  const lines: Uint8Array[] = [];
  let capabilities = ''; // of a first line that is gone: they stand on the next
  for (const line of list.lines) {
    const text = decodeLoose(line);
    const name = LINE.exec(text)?.[2];
    if (name === undefined || !wanted(name)) {
      lines.push(capabilities === '' ? line : utf8(`${text.trimEnd()}${capabilities}`));
      capabilities = '';
      continue;
    }
    told.add(name);
    const oid = refs.get(name);
    const nul = text.indexOf('\0');
    if (oid === undefined) capabilities = nul < 0 ? capabilities : text.slice(nul);
    else {
      lines.push(utf8(`${text.replace(/^[0-9a-f]+/, oid).trimEnd()}${capabilities.trimEnd()}\n`));
      capabilities = '';
    }
  }
  if (told.size > 0 || !isGreeting(list)) {
    for (const [ref, oid] of refs) {
      if (!wanted(ref) || told.has(ref) || !isAsked(list, ref)) continue;
      lines.push(utf8(`${oid} ${ref}${capabilities.trimEnd()}\n`));
      capabilities = '';
    }
  }
  return concat([...lines.map(encodePkt), FLUSH_PKT]);
}

/** Whether the list is that of protocol v0, with the capabilities in its first line. */
const isGreeting = ({ lines: [first] }: RefAdvertisement): boolean => first?.includes(0) === true;
