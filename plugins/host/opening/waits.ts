import { KvError, type PortName } from '../../../ports/index.js';
import type { Profile } from '../profile.js';

/** Which ports' adapters wait, while they open, for which others: two that wait for each other would never open. */
export class Waits {
  private readonly waits = new Map<PortName, Set<PortName>>();

  constructor(private readonly profile: Profile) {}

  /** Opens a port's adapter for one that opens itself. Throws `PLUGIN_INVALID` where that one is waited for, by whatever way. */
  async during<T>(asker: PortName, port: PortName, open: () => Promise<T>): Promise<T> {
    const circle = wayBack(this.waits, port, asker);
    if (circle !== null) {
      const ports = [asker, ...circle].join(' -> ');
      throw new KvError('PLUGIN_INVALID', `${this.profile.file}: adapters need each other: ${ports}`, {
        hint: 'name another adapter for one of these ports; a wrapper belongs under wrap',
      });
    }
    const waiting = this.waits.get(asker) ?? new Set();
    this.waits.set(asker, waiting.add(port));
    try {
      return await open();
    } finally {
      waiting.delete(port);
    }
  }
}

/** The ports on the way from one to another along the waits, both ends included; null when there is none. */
function wayBack(waits: ReadonlyMap<PortName, ReadonlySet<PortName>>, from: PortName, to: PortName): PortName[] | null {
  if (from === to) return [to];
  for (const next of waits.get(from) ?? []) {
    const way = wayBack(waits, next, to);
    if (way !== null) return [from, ...way];
  }
  return null;
}
