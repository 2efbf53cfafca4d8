import { named, type TreeShape } from '../git/tree-shape.js';
import { PAIR } from './layout.js';

/** Two characters of a urlsafe key, or of the padding. */
const A_PAIR = /^[A-Za-z0-9_:%-]{2}$/;
/** A key has 512 bytes at most, and each is spelt by three characters at most. */
const DEEPEST = (3 * 512) / PAIR;

const pairs = (depth: number): TreeShape => ({
  below: (name) => (depth < DEEPEST && A_PAIR.test(name) ? pairs(depth + 1) : null),
});

/** An index's tree: `kv/<ns>/index/<pp>/<pp>/[<pp>/…]`. */
export const indexShape = (ns: string): TreeShape => named({ kv: named({ [ns]: named({ index: pairs(0) }) }) });
