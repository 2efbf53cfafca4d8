import { named, type TreeShape } from '../git/tree/tree-shape.js';
import { PAIR } from './layout.js';

/** Two characters of a urlsafe key, or of the padding. */
export const A_PAIR = /^[A-Za-z0-9_:%-]{2}$/;
/** How many levels there can be: a key has 512 bytes at most, and each is spelt by three characters at most. */
export const DEEPEST = (3 * 512) / PAIR;

const pairs = (depth: number): TreeShape => ({
  below: (name) => (depth < DEEPEST && A_PAIR.test(name) ? pairs(depth + 1) : null),
});

/** An index's tree: `kv/<ns>/index/<pp>/<pp>/[<pp>/…]`. */
export const indexShape = (ns: string): TreeShape => named({ kv: named({ [ns]: named({ index: pairs(0) }) }) });
