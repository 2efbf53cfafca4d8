import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import type { LedgerCommit } from '../../../domain/client/clone/tips.js';
import { readKeyAt } from '../../../domain/client/history/read-at.js';
import { type Moment as FoundMoment, momentAt, momentNow } from '../../../domain/client/past/at.js';
import { listingOf, listKeys } from '../../../domain/client/read/list.js';
import { type Reading, readKey, readKeyIn } from '../../../domain/client/read/read.js';
import { keyBytes } from '../../../domain/ledger/value/key.js';
import { formatTime } from '../../../domain/ledger/value/metadata.js';
import type { Clone } from '../api/clone.js';
import type { Moment, State } from '../api/past.js';
import type { GetOptions, ListedKey, ListOptions } from '../api/read.js';
import type { Calls } from './calls.js';
import { entryOf, streamOf } from './entry.js';
import { count, type Defaults, freshnessOf, given, keyPart, namespaceOf, wrong } from './options.js';

/** What a clone reads of its present, and of one moment of its past. */
export function readingCalls(calls: Calls, defaults: Defaults): Pick<Clone, 'get' | 'getStream' | 'list' | 'at'> {
  const reading = async (clone: DomainClone, key: string, options: GetOptions): Promise<Reading> => {
    const request = {
      ...freshnessOf(options, defaults),
      ...{ ns: namespaceOf(options, defaults), key: keyOf(key), allowExpired: options.allowExpired === true },
    };
    return options.at === undefined ? readKey(clone, request) : readKeyAt(clone, { ...request, at: atOf(options.at) });
  };
  return {
    get: (key, options = {}) => calls.run(options.signal, async (call) => entryOf(call, await reading(call.clone, key, options))),
    async getStream(key, options = {}) {
      const found = await calls.run(options.signal, ({ clone }) => reading(clone, key, options));
      return streamOf(calls, options.signal, found);
    },
    list: (options = {}) => calls.iterate(options.signal, ({ clone }) => listKeys(clone, listRequest(options, defaults))),
    at: (at, options = {}) =>
      calls.run(options.signal, async ({ clone }) => {
        const ns = namespaceOf(options, defaults);
        const freshness = freshnessOf(options, defaults);
        const found = at === undefined ? await momentNow(clone, ns, freshness) : await momentAt(clone, ns, atOf(at), freshness);
        return new HeldState(calls, { ...defaults, ns, readFrom: freshness.readFrom }, found);
      }),
  };
}

/** A moment as it is shown. */
export function momentOf({ ledger, time, by }: FoundMoment): Moment {
  return { commit: ledger.oid, tree: ledger.commit.tree, epoch: ledger.trailers.epoch, time: formatTime(time), by };
}

function listRequest(options: ListOptions, defaults: Defaults) {
  const { after, limit, at, detail, allowExpired } = options;
  return {
    ...freshnessOf(options, defaults),
    ns: namespaceOf(options, defaults),
    prefix: keyPart(options.prefix) ?? '',
    long: detail === true,
    allowExpired: allowExpired === true,
    ...given({ after: keyPart(after), limit: count('limit', limit), at: at === undefined ? undefined : atOf(at) }),
  };
}

/** Throws `KEY_INVALID`. */
function keyOf(key: string): string {
  if (typeof key !== 'string') throw wrong('a key', 'a string');
  keyBytes(key);
  return key;
}

/** What names a state. */
export function atOf(at: string): string {
  if (typeof at !== 'string') throw wrong('at', 'a string: a commit, a time or a transaction');
  return at;
}

type HeldOptions = Parameters<State['get']>[1];

class HeldState implements State {
  readonly ns: string;
  readonly commit: string;
  readonly tree: string;
  readonly epoch: string;
  readonly time: string;
  readonly by: Moment['by'];
  readonly #calls: Calls;
  readonly #defaults: Defaults;
  readonly #found: { readonly ledger: LedgerCommit; readonly time: number };

  constructor(calls: Calls, defaults: Defaults, found: FoundMoment) {
    const { commit, tree, epoch, time, by } = momentOf(found);
    this.ns = defaults.ns;
    this.commit = commit;
    this.tree = tree;
    this.epoch = epoch;
    this.time = time;
    this.by = by;
    this.#calls = calls;
    this.#defaults = defaults;
    this.#found = found;
  }

  get(key: string, options: HeldOptions = {}) {
    return this.#calls.run(options.signal, async (call) => entryOf(call, await this.#read(call.clone, key, options)));
  }

  async getStream(key: string, options: HeldOptions = {}) {
    const found = await this.#calls.run(options.signal, ({ clone }) => this.#read(clone, key, options));
    return streamOf(this.#calls, options.signal, found);
  }

  list(options: Parameters<State['list']>[0] = {}): AsyncIterable<ListedKey> {
    return this.#calls.iterate(options.signal, ({ clone }) => {
      return listingOf(clone, listRequest(options, this.#defaults), this.#found).keys;
    });
  }

  #read(clone: DomainClone, key: string, { allowExpired = false }: GetOptions): Promise<Reading> {
    const request = { ...freshnessOf({}, this.#defaults), ns: this.ns, key: keyOf(key), allowExpired };
    return readKeyIn(clone, request, this.#found.ledger, this.#found.time);
  }
}
