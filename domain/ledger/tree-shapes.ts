import { LEAF, named, type TreeShape } from '../git/tree/tree-shape.js';

/** Directories named after a pair of hex digits, and what lies in them. */
const byHexPair = (below: TreeShape): TreeShape => ({ below: (name) => (/^[0-9a-f]{2}$/.test(name) ? below : null) });
/** Where files lie by a digest: what `kv/<ns>/data` and `kv/<ns>/meta` hold. */
export const SHARDS: TreeShape = byHexPair(byHexPair(LEAF));

/** A ledger's tree: `kv/<ns>/data/<hh>/<hh>` and `kv/<ns>/meta/<hh>/<hh>`. */
export const ledgerShape = (ns: string): TreeShape => named({ kv: named({ [ns]: named({ data: SHARDS, meta: SHARDS }) }) });

/** A chunks tree: `kv/<ns>/chunks/sha256/<hh>/<hh>`. */
export const chunksShape = (ns: string): TreeShape =>
  named({ kv: named({ [ns]: named({ chunks: named({ sha256: SHARDS }) }) }) });
