import { KvError } from '../../ports/error.js';
import { READER_BOUNDS } from './bounds.js';
import { MISPLACEMENTS, type Misplacement, type TreeShape, type TreeWalk } from './tree/tree-shape.js';

/** `ATTESTATION_MISMATCH` for what no Stargate accepts, so that the side that serves it is not to be believed. `what` names the object. */
export function untrusted(what: string, details: Readonly<Record<string, unknown>> = {}): KvError {
  return new KvError('ATTESTATION_MISMATCH', what, {
    hint: 'no Stargate accepts that: the side that it was fetched from is not to be trusted; read from the other one',
    details,
  });
}

/** What earlier versions of the Stargate took: it says nothing, and is passed over. */
const HARMLESS: ReadonlySet<Misplacement> = new Set(['foreign', 'empty']);

/** How a reader walks through trees: what only a forger makes ends it with `ATTESTATION_MISMATCH`. */
export function readersWalk(shape: TreeShape): TreeWalk {
  return {
    shape,
    entries: READER_BOUNDS.treeEntries,
    tell: ({ path, what }) => {
      if (!HARMLESS.has(what)) throw untrusted(`${JSON.stringify(path.slice(0, 200))} ${MISPLACEMENTS[what]}`);
    },
  };
}
