import { KvError } from '../../../../ports/error.js';
import { encodePkt, FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import type { Oid, RefUpdate } from '../../../../ports/vocabulary.js';
import { concat } from '../../../git/bytes.js';
import { ObjectNamer } from '../../../git/object.js';
import { PackNotes } from '../../../git/pack/pack-notes.js';
import { readPack } from '../../../git/pack/read-pack.js';
import { pushReport, type RefVerdict } from '../../../git/wire/push-report.js';
import { PushStream } from '../../../git/wire/push-request.js';
import { receiveAdvertisement } from '../../../git/wire/ref-listing.js';
import { SideBand } from '../../../git/wire/side-band.js';
import type { Repository } from '../../facade.js';
import { checkPushed } from './check-push.js';
import { HeldBytes } from './held-bytes.js';
import { listingOf, type ServeParts } from '../parts.js';
import { PushedPack } from './pushed-pack.js';
import { wordsFor } from '../words.js';

/** What taking pushes takes. */
export interface ReceiveParts extends ServeParts {
  readonly repository: Pick<Repository, 'take'>;
  readonly limits: PushLimits;
}

/** Bounds of one push. */
export interface PushLimits {
  readonly maxObjects: number;
  readonly maxRefs: number;
}

/** Bytes of the list of refs. */
const MAX_LIST = 8 * 1024 * 1024;

/** What receive-pack says first, without a connection that is kept. */
export async function greetPush(parts: ServeParts): Promise<Uint8Array> {
  return receiveAdvertisement(await listingOf(parts), parts.agent);
}

/**
 * Takes a push from its request, and gives the report on it once it is durable. What is refused leaves nothing, and is told the client in the
 * protocol's own words: nothing is thrown but what the request itself throws. The request is read to its end, whatever is in it.
 */
export async function receivePack(parts: ReceiveParts, request: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const held = new HeldBytes(parts.store);
  const push = new Push(parts, held);
  try {
    return await push.take(request);
  } finally {
    push.drop();
    held.release();
  }
}

class Push {
  private readonly stream: PushStream;
  private failure: { readonly error: unknown } | null = null;
  private incoming: PushedPack | null = null;

  constructor(
    private readonly parts: ReceiveParts,
    private readonly held: HeldBytes,
  ) {
    const { maxObjects, maxRefs } = parts.limits;
    // Of bytes there may be as many as the repository has room for.
    const limits = { maxBytes: Infinity, maxObjects, maxCommands: maxRefs, maxCommandBytes: MAX_LIST };
    this.stream = new PushStream(limits, (bytes) => held.append(bytes));
  }

  async take(request: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    for await (const bytes of request) {
      if (this.failure !== null) continue; // a client that is answered before it has sent all sees a broken connection
      try {
        this.stream.push(bytes);
      } catch (error) {
        this.failure = { error };
        this.held.release();
      }
    }
    const { announcement } = this.stream;
    if (announcement === undefined) {
      if (this.stream.bytes === 0) return new Uint8Array(0);
      const error = this.failure?.error ?? new KvError('INPUT_INVALID', 'malformed push: it ends before its list of refs does');
      return concat([encodePkt(`ERR ${wordsFor(error)}\n`), FLUSH_PKT]);
    }
    const { commands, capabilities, atomic } = announcement;
    // A client asks so whether it may push, before it sends all of it.
    if (commands.length === 0 && this.failure === null) return new Uint8Array(0);
    const band = SideBand.of(new Set(capabilities));
    let unpacked: string | null = null;
    let verdicts: readonly RefVerdict[];
    try {
      if (this.failure !== null) throw this.failure.error;
      const objects = await this.unpack(commands);
      verdicts = await this.moved(commands, objects, atomic);
    } catch (error) {
      unpacked = wordsFor(error);
      verdicts = commands.map(({ ref }) => ({ ref, refused: 'unpacker error' }));
    }
    const why = unpacked === null ? new Uint8Array(0) : band.say(2, `error: ${unpacked}\n`);
    return concat([why, pushReport(unpacked, verdicts, capabilities, band)]);
  }

  /** Gives up what was held for clones and not kept. */
  drop(): void {
    this.incoming?.drop();
  }

  private async unpack(commands: readonly RefUpdate[]): Promise<Map<Oid, NewObject>> {
    const { store, hasher, zlib, limits, packs } = this.parts;
    const objects = new Map<Oid, NewObject>();
    if (commands.every(({ next }) => next === null)) return objects;
    const namer = new ObjectNamer(hasher, store.objectFormat);
    const read = (oids: readonly Oid[]) => store.read(oids);
    const notes = packs && new PackNotes();
    const hold = (bytes: number): void => this.held.hold(bytes);
    const pack = this.held.bytes;
    for (const object of await readPack(pack, { namer, zlib, read, hold, maxObjects: limits.maxObjects, notes }))
      objects.set(object.oid, object);
    const tips = commands.flatMap(({ next }) => next ?? []);
    if (packs && notes) this.incoming = PushedPack.of(packs, store, { pack, objects, notes, tips });
    this.held.drop();
    await checkPushed(objects, store.objectFormat === 'sha1' ? 20 : 32, () => zlib.turn());
    return objects;
  }

  private async moved(
    updates: readonly RefUpdate[],
    objects: Map<Oid, NewObject>,
    atomic: boolean,
  ): Promise<readonly RefVerdict[]> {
    const { repository, zlib } = this.parts;
    const { incoming } = this;
    const release = (): void => this.held.release();
    const onRoots = incoming === null ? {} : { onRoots: (roots: ReadonlySet<Oid>) => incoming.heard(roots) };
    try {
      const push = { objects, updates, atomic, reason: 'push', release, turn: () => zlib.turn(), ...onRoots };
      const verdicts = await repository.take(push);
      if (verdicts.every(({ refused }) => refused === null)) incoming?.landed();
      return verdicts;
    } catch (error) {
      if (!KvError.is(error) || error.code !== 'INPUT_INVALID') throw error;
      return updates.map(({ ref }) => ({ ref, refused: wordsFor(error) }));
    }
  }
}
