import { KvError } from '../../../../ports/error.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import { decodeLoose, utf8 } from '../../../git/bytes.js';
import type { ObjectNamer } from '../../../git/object.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Clone } from '../../clone/clone.js';

/** Where a clone remembers how far it has imported a chain: a blob, whose ref moves with those of the link. */
export const PROGRESS_REF: RefName = 'refs/kv-import/chain';

/** How far a clone has imported a chain of a mirror's bundles. */
export interface ImportProgress {
  readonly repository: string | null;
  readonly chain: string;
  /** The newest link that is here, and the SHA-256 of its manifest. */
  readonly seq: number;
  readonly digest: string;
  /** The refs that the mirror shows by it. */
  readonly refs: ReadonlyMap<RefName, Oid>;
}

/** What a clone remembers, with the blob that says so; null where it has imported nothing. Throws `FORMAT_UNSUPPORTED`. */
export async function readProgress({ store }: Clone): Promise<(ImportProgress & { readonly oid: Oid }) | null> {
  const oid = (await store.refs([PROGRESS_REF])).get(PROGRESS_REF);
  if (oid === undefined) return null;
  const [blob] = await store.read([oid]);
  const fields = blob?.type === 'blob' ? (parse(decodeLoose(blob.body)) as Readonly<Record<string, unknown>> | null) : null; // each is looked at below
  const { v, repository, chain, seq, digest, refs } = fields ?? {};
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (v === 1 && isText(chain) && isText(digest) && typeof seq === 'number' && typeof refs === 'object' && refs !== null) {
    const known = Object.entries(refs).filter((pair): pair is [RefName, Oid] => isText(pair[1]));
    return { oid, repository: isText(repository) ? repository : null, chain, seq, digest, refs: new Map(known) };
  }
  throw new KvError('FORMAT_UNSUPPORTED', `${PROGRESS_REF} is of a form that this program does not know`, {
    hint: 'use a newer git-kv, or delete the ref and import the chain from its first link',
  });
}

/** The blob that remembers. */
export function progressBlob(namer: ObjectNamer, { repository, chain, seq, digest, refs }: ImportProgress): NewObject {
  const fields = { v: 1, repository, chain, seq, digest, refs: Object.fromEntries([...refs].sort()) };
  return namer.object('blob', utf8(`${JSON.stringify(fields)}\n`));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the caller says so
  }
}
