import type { Composition } from '../../../plugins/host/index.js';
import type { KvError } from '../../../ports/error.js';
import type { MirrorTarget } from '../../../ports/stargate/mirror-target.js';
import type { PortName } from '../../../ports/tokens.js';
import type { Log } from '../log/log.js';

/**
 * What a Stargate goes on with when the plugin that should have brought an adapter can't be used. Without a mirror, writes are taken,
 * and wait for it, as they do while a host is away; `status` and `/readyz?mirror` say why. Any other port is needed to take a write.
 */
export function standInFor(log: Log): (port: PortName, error: KvError) => object | undefined {
  return (port, error) => {
    if (port !== 'mirror-target') return undefined;
    log.error('plugin.failed', { port, message: error.message, hint: error.hint });
    return mirrorOfBrokenPlugin(error);
  };
}

/** The stand-ins of a repository's terms, each of which opens adapters of its own. */
export class StandIns {
  private hung: KvError | undefined;

  constructor(private readonly log: Log) {}

  /** As `openProfile` calls it. */
  readonly standIn = (port: PortName, error: KvError): object | undefined => {
    const instead = standInFor(this.log)(port, error);
    if (instead !== undefined && error.details?.['waitedMs'] !== undefined) this.hung = error;
    return instead;
  };

  /** Spares a term the wait for what has not opened before: writes would wait with it. The next start tries it again. */
  spare(term: Pick<Composition, 'rebind'>): void {
    if (this.hung !== undefined) term.rebind('mirror-target', mirrorOfBrokenPlugin(this.hung));
  }
}

/** A mirror that can't be reached, for the reason that is given. */
function mirrorOfBrokenPlugin(error: KvError): MirrorTarget {
  const fail = (): Promise<never> => Promise.reject(error);
  return {
    capabilities: { atomic: true, anyRef: true },
    label: 'a plugin that cannot be used',
    push: fail,
    refs: fail,
    fetch: fail,
    close: async () => undefined,
  };
}
