import { type IntentConnection, type IntentStream, KvError } from '../../ports/index.js';
import { ByteQueue } from './byte-queue.js';
import { checkRemote } from './names.js';
import type { IntentSide, RemotePlace } from './place.js';

/** Streams of intents to the write side of a place; `as` is whom it takes the clone for. */
export function openMemoryIntentStream(place: RemotePlace, as: string | null): IntentStream {
  const connections = new Set<MemoryConnection>();
  return {
    async open(remote) {
      if (checkRemote(remote) !== 'origin' || place.write === null) {
        throw new KvError('CONFIG_INVALID', `remote '${remote}' leads nowhere to write`, {
          hint: 'give the place a side to write',
        });
      }
      if (place.intents === null) {
        throw new KvError('NOT_SUPPORTED', `'memory:${place.name}' takes no stream of intents`, { hint: 'push the intent' });
      }
      const away = place.away.has('write')
        ? new KvError('IO_ERROR', `cannot reach memory:${place.name}/write`, { hint: 'bring that side back, then try again' })
        : null;
      const connection = new MemoryConnection(place.intents, as, away);
      connections.add(connection);
      void connection.over.then(() => connections.delete(connection));
      return connection;
    },

    async close() {
      for (const connection of connections) connection.close();
    },
  };
}

class MemoryConnection implements IntentConnection {
  readonly over: Promise<void>;
  private readonly there = new ByteQueue();
  private readonly here = new ByteQueue();
  private ended = false;
  private broken: KvError | null;

  constructor(side: IntentSide, as: string | null, away: KvError | null) {
    this.broken = away;
    this.over = away === null ? this.serve(side, as) : Promise.resolve(this.end());
  }

  get usable(): boolean {
    return !this.ended;
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.usable) await this.there.put(bytes);
  }

  async receive(): Promise<Uint8Array | null> {
    const bytes = await this.here.take();
    if (bytes === null && this.broken !== null) throw this.broken;
    return bytes;
  }

  close(): void {
    this.broken = null;
    this.here.drop();
    this.end();
  }

  private end(): void {
    this.ended = true;
    this.there.end();
    this.here.end();
  }

  private async serve(side: IntentSide, as: string | null): Promise<void> {
    try {
      await side.serve({ as, received: this.there.all(), send: (bytes) => this.here.put(bytes) });
    } catch (error) {
      this.broken = KvError.is(error)
        ? error
        : new KvError('IO_ERROR', `the other side has broken off: ${String(error)}`, { hint: 'try again', cause: error });
    }
    this.end();
  }
}
