import { createHash } from 'node:crypto';
import type { NewObject } from '../../ports/git/git-store.js';
import type { ObjectFormat, ObjectType, Oid } from '../../ports/vocabulary.js';

/** Objects as Git spells them, for suites that need real ones. */

/** An object of this body, with its id. */
export function object(format: ObjectFormat, type: ObjectType, body: Uint8Array): NewObject {
  const oid = createHash(format).update(`${type} ${body.length}\0`).update(body).digest('hex');
  return { oid, type, body };
}

/** A blob of these bytes. */
export function blob(format: ObjectFormat, content: string | Uint8Array): NewObject {
  return object(format, 'blob', Buffer.from(content));
}

/** What a tree has under one name. */
export interface TreeEntry {
  readonly name: string;
  readonly oid: Oid;
  /** `100644` unless given; `40000` for a tree. */
  readonly mode?: string;
}

/** A tree of these entries, in the order of git. */
export function tree(format: ObjectFormat, entries: readonly TreeEntry[]): NewObject {
  const key = (entry: TreeEntry) => Buffer.from(entry.mode === '40000' ? `${entry.name}/` : entry.name);
  const parts = [...entries]
    .sort((a, b) => Buffer.compare(key(a), key(b)))
    .map((entry) => Buffer.concat([Buffer.from(`${entry.mode ?? '100644'} ${entry.name}\0`), Buffer.from(entry.oid, 'hex')]));
  return object(format, 'tree', Buffer.concat(parts));
}

/** What a commit says. */
export interface CommitFields {
  readonly tree: Oid;
  readonly parents?: readonly Oid[];
  /** Seconds since the epoch. */
  readonly time: number;
  readonly message?: string;
}

/** A commit whose author is its committer. */
export function commit(format: ObjectFormat, fields: CommitFields): NewObject {
  const who = `A U Thor <author@example.com> ${fields.time} +0000`;
  const parents = (fields.parents ?? []).map((parent) => `parent ${parent}\n`).join('');
  const text = `tree ${fields.tree}\n${parents}author ${who}\ncommitter ${who}\n\n${fields.message ?? 'a change'}\n`;
  return object(format, 'commit', Buffer.from(text));
}

/** An annotated tag of a commit. */
export function tag(format: ObjectFormat, target: Oid, name: string): NewObject {
  const text = `object ${target}\ntype commit\ntag ${name}\ntagger A U Thor <author@example.com> 1700000000 +0000\n\na tag\n`;
  return object(format, 'tag', Buffer.from(text));
}

/** A tree with files at slash-separated paths, with every object below it. */
export function files(format: ObjectFormat, content: Readonly<Record<string, string>>): { root: Oid; objects: NewObject[] } {
  const objects: NewObject[] = [];
  const build = (paths: [string[], string][]): Oid => {
    const entries: TreeEntry[] = [];
    const folders = new Map<string, [string[], string][]>();
    for (const [[name = '', ...rest], text] of paths) {
      if (rest.length > 0) {
        folders.set(name, [...(folders.get(name) ?? []), [rest, text]]);
      } else {
        const leaf = blob(format, text);
        objects.push(leaf);
        entries.push({ name, oid: leaf.oid });
      }
    }
    for (const [name, below] of folders) entries.push({ name, oid: build(below), mode: '40000' });
    const folder = tree(format, entries);
    objects.push(folder);
    return folder.oid;
  };
  const root = build(Object.entries(content).map(([path, text]) => [path.split('/'), text]));
  return { root, objects };
}
