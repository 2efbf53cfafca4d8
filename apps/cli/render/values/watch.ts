import type { ChangedKeys, WatchedEvent } from '../../../../domain/client/watch/watch.js';
import { formatTimeShort } from '../units.js';
import { printable } from '../../../../ports/grammar/printable.js';

const SHORT = 10;
const MAX_SHOWN = 5;

/** Receipt time, ledger commit, signer, what happened. */
export function watchLine(event: WatchedEvent): string {
  const { received, oid, signer } = event;
  return `${printable(formatTimeShort(received))}  ${printable(oid.slice(0, SHORT))}  ${printable(signer).padEnd(16)}  ${whatHappened(event)}`;
}

function whatHappened({ epoch, parentEpoch, keys, set, del }: WatchedEvent): string {
  if (parentEpoch !== null) return `begin epoch ${printable(epoch)} after ${printable(parentEpoch)}`;
  if (keys === null) return `set ${set}, delete ${del}`;
  return [...verb('set', keys.set), ...verb('delete', keys.del)].join('; ');
}

function verb(name: string, keys: readonly string[]): string[] {
  if (keys.length === 0) return [];
  const more = keys.length > MAX_SHOWN ? ` and ${keys.length - MAX_SHOWN} more` : '';
  return [`${name} ${keys.slice(0, MAX_SHOWN).join(', ')}${more}`];
}

/** An event of a watch as `--json` shows it. */
export function watchDocument({ ns, epoch, oid, txn, received, signer, set, del, keys, parentEpoch }: WatchedEvent): object {
  return {
    ns,
    epoch,
    oid,
    txn,
    received,
    signer,
    set,
    del,
    keys: keys === null ? null : keysDocument(keys),
    parent_epoch: parentEpoch,
  };
}

const keysDocument = ({ set, del }: ChangedKeys): object => ({ set, del });
