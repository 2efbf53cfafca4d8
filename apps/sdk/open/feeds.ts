import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import { exportSnapshot } from '../../../domain/client/transfer/export-snapshot.js';
import { verifyClone } from '../../../domain/client/verify/verify.js';
import { OLDEST, Watch as Feed } from '../../../domain/client/watch/watch.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { isOid } from '../../../ports/vocabulary.js';
import type { Clone } from '../api/clone.js';
import type { SnapshotSummary } from '../api/transfer.js';
import type { WatchOptions } from '../api/watch.js';
import type { Calls } from './calls.js';
import { count, type Defaults, freshnessOf, given, keyPart, milliseconds, namespaceOf, wrong } from './options.js';

/** What a clone follows, exports and verifies. `whole` reads without remembering. */
export function feedCalls(
  calls: Calls,
  defaults: Defaults,
  whole: DomainClone,
  verifier: () => Promise<SignatureVerifier>,
): Pick<Clone, 'watch' | 'snapshot' | 'verify'> {
  const view = { clone: whole };
  return {
    watch(options = {}) {
      let feed: Feed | null = null;
      const events = calls.iterate(
        options.signal,
        ({ clone, signal }) => {
          feed = new Feed(clone, { ...feedRequest(clone, options, defaults), signal });
          return feed;
        },
        { quiet: true },
      );
      return {
        get resumeFrom() {
          return feed?.resumeFrom ?? options.since ?? null;
        },
        [Symbol.asyncIterator]: () => events,
      };
    },
    snapshot(options = {}) {
      let summary: SnapshotSummary | null = null;
      const pieces = calls.iterate(
        options.signal,
        async function* ({ clone }) {
          const { provenance, files, onProgress } = options;
          summary = yield* exportSnapshot(clone, {
            ...freshnessOf(options, defaults),
            ...{ ns: namespaceOf(options, defaults), prefix: keyPart(options.prefix) ?? '' },
            ...{ provenance: provenance === true, files: files ?? null },
            ...given({ onProgress }),
          });
        },
        view,
      );
      return {
        get summary() {
          return summary;
        },
        [Symbol.asyncIterator]: () => pieces,
      };
    },
    verify: (options = {}) =>
      calls.run(
        options.signal,
        async ({ clone }) => {
          const { full = false, onProgress } = options;
          const request = { ns: namespaceOf(options, defaults), full, ...given({ onProgress }) };
          const { ns, epochs, faults, notes } = await verifyClone(clone, await verifier(), request);
          const shown = epochs.map(({ label, ledger, root, transactions, keys, values, chunks, bytes }) => {
            return { epoch: label, ledger, root, transactions, keys, values, chunks, bytes };
          });
          return { ns, full, epochs: shown, faults, notes: notes.map(({ text }) => text) };
        },
        view,
      ),
  };
}

function feedRequest({ store }: DomainClone, options: WatchOptions, defaults: Defaults) {
  const { since, limit, interval, once, onNotice } = options;
  if (since !== undefined && since !== OLDEST && !isOid(since, store.objectFormat))
    throw wrong('since', `a full ${store.objectFormat} object id, or '${OLDEST}'`);
  return {
    ns: namespaceOf(options, defaults),
    readFrom: freshnessOf(options, defaults).readFrom,
    ...given({
      ...{ since, once, notify: onNotice, prefix: keyPart(options.prefix) },
      ...{ limit: count('limit', limit), intervalMs: milliseconds('interval', interval) },
    }),
  };
}
