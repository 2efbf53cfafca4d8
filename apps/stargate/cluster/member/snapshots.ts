import { isAt, type ServerId, type Standing } from '../../../../domain/gateway/replicate/entry.js';
import { Fields, standingIn } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError } from '../../../../ports/error.js';
import { isOid, type Oid, type RefName } from '../../../../ports/vocabulary.js';
import { type PeerDispatch, TOPICS } from '../peers/dispatch.js';
import type { EntryPacks } from '../objects/packs.js';
import type { ReplicaDisk } from './replica-disk.js';

/** What giving and taking all refs takes. */
export interface SnapshotsOptions {
  readonly dispatch: PeerDispatch;
  readonly repository: string;
  readonly disk: ReplicaDisk;
  readonly packs: EntryPacks;
  readonly store: { readonly objectFormat: 'sha1' | 'sha256' };
}

interface Held {
  readonly standing: Standing;
  readonly refs: ReadonlyMap<RefName, Oid>;
}

/** How many snapshots are held for those that were told of them, and how often refs are read until they stand still. */
const MOST_HELD = 4;
const MAX_LOOKS = 20;
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** All refs of a server, as of an entry, for one that can't go on by entries: objects by git's own packs, without those that it has. */
export class Snapshots {
  private held: Held[] = [];
  private readonly end: () => void;

  constructor(private readonly options: SnapshotsOptions) {
    const { dispatch, repository, packs } = options;
    this.end = dispatch.on(TOPICS.snapshot, repository, async ({ body }) => {
      const asked = Fields.parse(body, 'snapshot');
      const standing = standingIn(asked.child('standing'));
      const found = this.held.find((one) => isAt(one.standing, standing));
      if (found === undefined) throw new KvError('NOT_FOUND', `no snapshot of entry ${standing.sequence} is held any more`);
      const have = asked.texts('have').filter((oid) => isOid(oid, options.store.objectFormat));
      return { body: json({ refs: [...found.refs] }), stream: packs.pack([...new Set(found.refs.values())], have) };
    });
  }

  /** Holds the refs as they are, for whoever is told of the standing; null while they don't stand still. */
  async hold(): Promise<Standing | null> {
    const { disk } = this.options;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const standing = disk.at;
      const known = this.held.find((one) => isAt(one.standing, standing));
      if (known !== undefined) return standing;
      const refs = await disk.tips();
      if (disk.at !== standing || disk.digestOf(refs, standing.members) !== standing.digest) continue;
      this.held = [...this.held.slice(1 - MOST_HELD), { standing, refs }];
      return standing;
    }
    return null;
  }

  /** Brings all refs of a server here, and puts them in the place of one's own. */
  async install(standing: Standing, term: number, from: ServerId): Promise<void> {
    const { dispatch, repository, disk, packs, store } = this.options;
    const have = [...new Set((await disk.tips()).values())];
    const request = { topic: TOPICS.snapshot, repository, body: json({ standing, have }) };
    const { body, stream } = await dispatch.transport.call(from, request, { signal: packs.stopping });
    const refs = refsIn(body, store.objectFormat);
    await packs.receive(stream);
    await disk.install(standing, term, refs);
  }

  close(): void {
    this.end();
  }
}

function refsIn(body: Uint8Array, format: 'sha1' | 'sha256'): Map<RefName, Oid> {
  const list = Fields.parse(body, 'snapshot').list('refs');
  return new Map(
    list.map((one): [RefName, Oid] => {
      const [ref, oid] = Array.isArray(one) ? (one as unknown[]) : [];
      if (typeof ref === 'string' && typeof oid === 'string' && isOid(oid, format)) return [ref, oid];
      throw new KvError('PEER_REFUSED', 'a snapshot with what is no ref', { details: { reason: 'frame' } });
    }),
  );
}
