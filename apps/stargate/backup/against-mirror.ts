import { differences } from '../../../domain/gateway/sync/differences.js';
import { isPlainlyContained, namespacesOf, readSides, withRelations } from '../../../domain/gateway/sync/relations.js';
import type { Relation } from '../../../domain/gateway/sync/continuation.js';
import type { Composition } from '../../../plugins/host/index.js';
import { toKvError } from '../../../ports/error.js';
import { counted } from '../../../ports/grammar/counted.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import { sidesContext } from '../leader/standing-view.js';

/** As many keys of a transaction as a policy that doesn't say has checked; here everything is. */
const SAMPLE = 32;

/** What a mirror has that a restored repository has not, and the other way round. */
export interface AgainstMirror {
  /** For the operator. */
  readonly lines: readonly string[];
  /** The mirror goes on from here: until that is taken over, the Stargate refuses writes. */
  readonly ahead: boolean;
}

/**
 * Holds a restored repository against its mirror; gives lines for the operator: what the mirror has that the backup has not, and so
 * what would be lost by going on without it. Changes nothing on either side. A mirror that can't be reached is a line too.
 */
export async function againstMirror(composition: Composition, policy: Policy): Promise<AgainstMirror> {
  try {
    const context = await sidesContext(composition, () => policy, SAMPLE, null);
    const sides = await readSides(context);
    const open: string[] = [];
    for (const ns of namespacesOf(sides)) if (!(await isPlainlyContained(context, ns, sides))) open.push(ns);
    const { differing } = differences(sides, undefined);
    const behind = differing.filter(({ there, ns }) => there === null || (ns !== null && !open.includes(ns)));
    const others = differing.filter(({ ns, there }) => ns === null && there !== null);
    let ahead = false;
    const lines = await withRelations(context, { sides, namespaces: open }, async (relations) => {
      ahead = [...relations.values()].some(({ kind }) => kind === 'ahead');
      return [...relations].flatMap(([ns, relation]) => told(ns, relation));
    });
    if (behind.length > 0)
      lines.push(`${counted(behind.length, 'ref')} not at the mirror, or moved since: pushed after the start`);
    for (const { ref, here, there } of others) lines.push(`${ref}: here ${here ?? 'nothing'}, at the mirror ${there}`);
    return { lines: lines.length > 0 ? lines : ['the mirror shows what is here, and no more'], ahead };
  } catch (thrown) {
    const error = toKvError(thrown);
    if (error.code === 'UNEXPECTED') throw thrown;
    return { lines: [`what the mirror has beyond this backup is not known: ${error.message}`], ahead: false };
  }
}

function told(ns: string, relation: Relation): string[] {
  if (relation.kind === 'contained') return [];
  const tips = `here ${relation.here ?? 'nothing'}, at the mirror ${relation.there}`;
  if (relation.kind === 'apart') {
    const why = relation.fault?.message ?? 'neither leads to the other';
    return [`namespace ${ns}: ${tips}: ${why}`];
  }
  if (relation.continuation === null) {
    return [`namespace ${ns}: ${tips}: accepted after this backup, but not under its policy: ${relation.held?.message}`];
  }
  const { length } = relation.continuation.events;
  return [`namespace ${ns}: ${tips}: ${counted(length, 'transaction')} accepted after this backup; to be taken over, or lost`];
}
