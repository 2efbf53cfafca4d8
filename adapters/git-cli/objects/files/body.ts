import type { ObjectType } from '../../../../ports/vocabulary.js';

/** An object without its name. */
export interface Body {
  readonly type: ObjectType;
  readonly bytes: Buffer;
}
