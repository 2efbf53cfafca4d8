import type { NewObject } from '../../ports/git/git-store.js';
import type { Hasher } from '../../ports/hasher.js';
import type { ObjectFormat, ObjectType, Oid } from '../../ports/vocabulary.js';
import { utf8, writeAscii } from './bytes.js';

// Joining a small body to its header is cheaper than a digest fed in two pieces.
const JOINED = 16 * 1024;
const HEADER = 32;

/** Where a header and a body are joined: for all, since nobody waits between joining and naming. */
let joined = new Uint8Array(0);

/** Names objects as Git does: the hash of `<type> <size>\0<body>`. */
export class ObjectNamer {
  constructor(
    readonly hasher: Hasher,
    readonly format: ObjectFormat,
  ) {}

  oid(type: ObjectType, body: Uint8Array): Oid {
    const header = `${type} ${body.length}\0`;
    if (body.length > JOINED) return this.hasher.hex(this.format, utf8(header), body);
    if (joined.length === 0) joined = new Uint8Array(HEADER + JOINED);
    const bodyAt = writeAscii(header, joined, 0);
    joined.set(body, bodyAt);
    return this.hasher.hex(this.format, joined.subarray(0, bodyAt + body.length));
  }

  object(type: ObjectType, body: Uint8Array): NewObject {
    return { oid: this.oid(type, body), type, body };
  }

  /** The id of the tree without entries. */
  emptyTree(): Oid {
    return this.oid('tree', new Uint8Array(0));
  }

  /** The id that stands for "no object" in Git's protocols. */
  nullOid(): Oid {
    return '0'.repeat(this.format === 'sha1' ? 40 : 64);
  }
}
