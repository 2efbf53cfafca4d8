import type { NewObject } from '../../../ports/git/git-store.js';
import type { Oid, WatchEvent } from '../../../ports/vocabulary.js';
import { encodeCommit, stamp } from '../../git/commit.js';
import type { ObjectNamer } from '../../git/object.js';
import { KvError } from '../../../ports/error.js';
import { isCount, isText, isTextOrNull } from '../canonical-json.js';

/**
 * A watchlog ref is a chain of commits on the empty tree, one an accepted transaction, whose message is the event as one
 * line of JSON. So writing one costs one object, and reading the feed needs commits alone, in a partial clone too.
 */

/** Who the Stargate writes as. */
export const STARGATE_IDENTITY = 'git-kv-stargate <stargate@localhost>';

/** Appends events to a watchlog (`tip` null: a new one); gives the commits, oldest first. */
export function appendEvents(namer: ObjectNamer, tip: Oid | null, events: readonly WatchEvent[]): NewObject[] {
  let parent = tip;
  return events.map((event) => {
    const ident = stamp(STARGATE_IDENTITY, Date.parse(event.received));
    const body = encodeCommit(
      {
        tree: namer.emptyTree(),
        parents: parent === null ? [] : [parent],
        author: ident,
        committer: ident,
        signature: null,
        message: `${encodeEvent(event)}\n`,
      },
      namer.format,
    );
    const object = namer.object('commit', body);
    parent = object.oid;
    return object;
  });
}

/** The event as one line of JSON with a fixed key order. */
export function encodeEvent(e: WatchEvent): string {
  return JSON.stringify({
    v: 1,
    ns: e.ns,
    epoch: e.epoch,
    oid: e.oid,
    txn: e.txn,
    received: e.received,
    signer: e.signer,
    set: e.set,
    del: e.del,
    ...(e.parentEpoch === null ? {} : { parent_epoch: e.parentEpoch }),
  });
}

/** Reads an event from a watchlog commit's message. Throws `FORMAT_UNSUPPORTED` for another version or shape. */
export function decodeEvent(message: string, commit: Oid): WatchEvent {
  let fields: Record<string, unknown> = {};
  try {
    fields = JSON.parse(message) as Record<string, unknown>;
  } catch {
    fields = {}; // refused below like any other unknown shape
  }
  const { v, ns, epoch, oid, txn, received, signer, set, del } = fields ?? {};
  const parentEpoch = fields?.['parent_epoch'] ?? null;
  if (
    v === 1 &&
    isText(ns) &&
    isText(epoch) &&
    isText(oid) &&
    isText(txn) &&
    isText(received) &&
    isText(signer) &&
    isCount(set) &&
    isCount(del) &&
    isTextOrNull(parentEpoch)
  ) {
    return { v, ns, epoch, oid, txn, received, signer, set, del, parentEpoch };
  }
  throw new KvError('FORMAT_UNSUPPORTED', `watchlog commit ${commit} holds no event of version 1`, { hint: 'update git-kv' });
}
