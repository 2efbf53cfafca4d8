import { KvError } from '../../../ports/error.js';
import { decodeLoose, utf8 } from '../../git/bytes.js';
import type { Core, Land } from '../core.js';
import { cleanMessage } from '../objects/commit-object.js';
import { identLine, readIdent, signatureOf } from '../objects/idents.js';
import type { Person, Tag } from '../types.js';
import { createRef, peelIn, resolveIn } from './branches.js';
import { refNamed, shortName, TAGS } from './names.js';

/** All tags, by name. */
export async function listTags(core: Core): Promise<Tag[]> {
  const refs = [...(await core.store.refs([TAGS]))];
  return Promise.all(
    refs.map(async ([ref, oid]): Promise<Tag> => {
      const named = { name: shortName(ref), ref, oid, commit: await peelIn(core, oid) };
      const object = await core.source.get(oid);
      return { ...named, ...(object?.type === 'tag' ? readTag(object.body) : { message: null, tagger: null }) };
    }),
  );
}

/** Makes a tag of a revision; with words, an object of its own that has them. */
export async function createTag(
  core: Core,
  land: Land,
  {
    name,
    target,
    annotation,
  }: {
    readonly name: string;
    readonly target: string;
    readonly annotation: { readonly message: string; readonly tagger: Person } | undefined;
  },
): Promise<Tag> {
  const ref = refNamed(TAGS, name);
  const commit = await resolveIn(core, target);
  if (annotation === undefined) {
    await createRef(land, core, ref, commit, 'tag');
    return { name, ref, oid: commit, commit, message: null, tagger: null };
  }
  const message = cleanMessage(annotation.message);
  if (message === '' || message.includes('\0')) throw new KvError('INPUT_INVALID', 'an annotated tag needs a message');
  const tagger = signatureOf(annotation.tagger, core.now());
  const object = core.namer.object(
    'tag',
    utf8(`object ${commit}\ntype commit\ntag ${name}\ntagger ${identLine(tagger)}\n\n${message}`),
  );
  await createRef((_, updates, reason) => land([object], updates, reason), core, ref, object.oid, 'tag');
  return { name, ref, oid: object.oid, commit, message, tagger };
}

/** Removes a tag. Throws `NOT_FOUND`. */
export async function deleteTag(core: Core, land: Land, name: string): Promise<void> {
  const ref = refNamed(TAGS, name);
  const tip = await core.tip(ref);
  if (tip === null) throw new KvError('NOT_FOUND', `there is no tag '${name}'`, { details: { ref } });
  await land([], [{ ref, old: tip, next: null }], 'delete tag');
}

function readTag(body: Uint8Array): Pick<Tag, 'message' | 'tagger'> {
  const text = decodeLoose(body);
  const end = text.indexOf('\n\n');
  const tagger = /^tagger (.*)$/m.exec(end < 0 ? text : text.slice(0, end))?.[1];
  return { message: end < 0 ? '' : text.slice(end + 2), tagger: tagger === undefined ? null : readIdent(tagger) };
}
