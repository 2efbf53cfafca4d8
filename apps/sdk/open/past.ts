import type { Clone as DomainClone } from '../../../domain/client/clone/clone.js';
import { blame } from '../../../domain/client/history/blame.js';
import { diffStates } from '../../../domain/client/history/diff.js';
import { keyHistory } from '../../../domain/client/history/history.js';
import { waitForMirror } from '../../../domain/client/remote/wait.js';
import type { SignatureVerifier } from '../../../ports/clone/signer.js';
import { isOid } from '../../../ports/vocabulary.js';
import type { Clone } from '../api/clone.js';
import type { Calls } from './calls.js';
import { count, type Defaults, freshnessOf, given, keyPart, milliseconds, namespaceOf, wrong } from './options.js';
import { atOf, momentOf } from './reading.js';
import { MIRROR_WAIT_MS } from './writing.js';

/** What a clone tells of its past. `whole` reads without remembering: a walk would drive out what reads need. */
export function pastCalls(
  calls: Calls,
  defaults: Defaults,
  whole: DomainClone,
  verifier: () => Promise<SignatureVerifier>,
): Pick<Clone, 'history' | 'diff' | 'blame' | 'wait'> {
  const view = { clone: whole };
  return {
    history: (key, options = {}) =>
      calls.iterate(
        options.signal,
        async function* ({ clone }) {
          const { limit, epochs, claims } = options;
          if (typeof key !== 'string') throw wrong('a key', 'a string');
          yield* keyHistory(clone, {
            ...freshnessOf(options, defaults),
            ...{ ns: namespaceOf(options, defaults), key },
            ...given({ limit: count('limit', limit), epochs }),
            ...(claims === true ? {} : { verifier: await verifier() }),
          });
        },
        view,
      ),
    diff: (from, to, options = {}) =>
      calls.run(
        options.signal,
        async ({ clone }) => {
          const {
            from: before,
            to: after,
            changes,
          } = await diffStates(clone, {
            ...freshnessOf(options, defaults),
            ...{ ns: namespaceOf(options, defaults), from: atOf(from), prefix: keyPart(options.prefix) ?? '' },
            ...given({ to: to === undefined ? undefined : atOf(to) }),
          });
          return { from: momentOf(before), to: momentOf(after), changes };
        },
        view,
      ),
    blame: (options = {}) =>
      calls.iterate(
        options.signal,
        async function* ({ clone }) {
          const { commits, claims } = options;
          yield* blame(clone, {
            ...freshnessOf(options, defaults),
            ...{ ns: namespaceOf(options, defaults), prefix: keyPart(options.prefix) ?? '', commits: commits === true },
            ...(claims === true ? {} : { verifier: await verifier() }),
          });
        },
        view,
      ),
    wait: (commit, options = {}) =>
      calls.run(options.signal, async ({ clone, signal }) => {
        const { objectFormat } = clone.store;
        if (typeof commit !== 'string' || !isOid(commit, objectFormat))
          throw wrong('commit', `a full ${objectFormat} object id`, 'the receipt of the write has it');
        const timeoutMs = milliseconds('timeout', options.timeout) ?? MIRROR_WAIT_MS;
        return waitForMirror(clone, { ns: namespaceOf(options, defaults), oid: commit, timeoutMs, signal });
      }),
  };
}
