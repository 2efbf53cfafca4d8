import type { NewObject } from '../ports/git-store.js';
import type { Hasher } from '../ports/hasher.js';
import type { ObjectFormat, ObjectType, Oid } from '../ports/vocabulary.js';
import { utf8 } from './bytes.js';

/** Names objects as Git does: the hash of `<type> <size>\0<body>`. */
export class ObjectNamer {
  constructor(
    readonly hasher: Hasher,
    readonly format: ObjectFormat,
  ) {}

  oid(type: ObjectType, body: Uint8Array): Oid {
    return this.hasher.hex(this.format, utf8(`${type} ${body.length}\0`), body);
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
