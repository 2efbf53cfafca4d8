const SPACE = 0x20;
const ZERO = 0x30;
/** The mode of a tree, `40000`, begins with it; those of blobs, links and submodules with `1`. */
const FOUR = 0x34;
const SUBMODULE = '160000';

/** What a tree has at a name. */
export interface TreeEntry {
  readonly id: Buffer;
  readonly isTree: boolean;
}

/** The entry of a tree's body that has a name; null where there is none, or a submodule. Throws `RangeError` for what is no tree. */
export function entryNamed(body: Buffer, name: Buffer, width: number): TreeEntry | null {
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(SPACE, at);
    if (space < 0 || space - at > 7 || (body[at] as number) < ZERO) throw new RangeError('no tree');
    const nameAt = space + 1;
    let length = 0;
    while (length < name.length && body[nameAt + length] === name[length]) length++;
    if (length === name.length && body[nameAt + length] === 0) {
      const idAt = nameAt + length + 1;
      if (idAt + width > body.length) throw new RangeError('no tree');
      if (body.toString('latin1', at, space) === SUBMODULE) return null;
      return { id: body.subarray(idAt, idAt + width), isTree: body[at] === FOUR };
    }
    const end = body.indexOf(0, nameAt + length);
    if (end < 0) throw new RangeError('no tree');
    at = end + 1 + width;
  }
  return null;
}
