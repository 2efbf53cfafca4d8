import type { ClusterWorld } from '../../support/worlds/cluster-world.js';
import { SHARED } from '../board.js';
import { check, type Violation } from '../check.js';
import type { History } from '../history.js';
import { worldLedger } from '../world-ledger.js';

/** The ledgers that writers of a cluster write. */
export const LEDGERS = ['main', 'seq'] as const;

/** Holds what all were told against the ledgers of each server, all of which are level; gives all that is wrong, with the server's name. */
export async function judge(world: ClusterWorld, history: History): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const { name, repo } of world.servers) {
    const place = { repo, git: world.git.bind(world) };
    const ledgers = [];
    for (const ns of LEDGERS) ledgers.push(await worldLedger(place, ns, SHARED, history));
    for (const { rule, what } of check(history, ledgers)) found.push({ rule, what: `${name}: ${what}` });
  }
  return found;
}
