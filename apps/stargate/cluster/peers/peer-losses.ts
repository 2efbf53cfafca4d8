import type { KvError } from '../../../../ports/error.js';
import type { Log } from '../../log/log.js';

/** Of how many reasons one server's loss is told: what it answers is its own. */
const MOST_REASONS = 16;

/**
 * Logs which servers can't be spoken to: `cluster.peer-lost` when one is gone, and again when it refuses, or is refused, for a reason that was
 * not told of yet, such as a server that comes back with another key or a wrong clock; `cluster.peer-back` when it answers.
 */
export class PeerLosses {
  /** What was told of each server that is lost: the reasons of refusals, and '' for whatever else. */
  private readonly told = new Map<string, Set<string>>();

  constructor(private readonly log: Log) {}

  /** Takes down what came of a call to a server; `error` is null where it answered. */
  note(server: string, error: KvError | null): void {
    const known = this.told.get(server);
    if (error === null) {
      if (known === undefined) return;
      this.told.delete(server);
      this.log.info('cluster.peer-back', { server });
      return;
    }
    const reason = error.code === 'PEER_REFUSED' ? String(error.details?.['reason']) : '';
    if (known !== undefined && (reason === '' || known.has(reason) || known.size >= MOST_REASONS)) return;
    this.told.set(server, (known ?? new Set()).add(reason));
    this.log.warn('cluster.peer-lost', { server, message: error.message });
  }
}
