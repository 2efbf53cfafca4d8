import { isKvRef, refSnapshot } from '../../../domain/gateway/ref-snapshot.js';
import { type ReadAnswer, ReadAnswers } from '../../../domain/git/wire/read-answers.js';
import { ReadRequests } from '../../../domain/git/wire/read-requests.js';
import { advertisedRefs, isAsked, withRefs } from '../../../domain/git/wire/ref-advertisement.js';
import type { ServiceClient } from '../../../ports/git/git-service.js';
import type { GitStore } from '../../../ports/git/git-store.js';

/** A client of upload-pack that is shown the refs of namespaces as they were at one moment. */
export interface SettledClient {
  /** In place of the client. */
  readonly client: ServiceClient;
  /** Sees what the client says. */
  readonly asks: (bytes: Uint8Array) => void;
  /** Resolves when all that upload-pack said was handed on. */
  finish(): Promise<void>;
}

/**
 * Git reads refs one by one, so that its list may show the ledger of one transaction and the index of another. This holds each list
 * against a second look, and where a transaction came in between, puts a snapshot of the namespaces' refs into it. Everything else
 * passes as it comes.
 */
export function settledRefs(client: ServiceClient, store: GitStore): SettledClient {
  const requests = new ReadRequests();
  const answers = new ReadAnswers(requests);
  let last: Promise<void> = Promise.resolve();

  const settled = async ({ list, bytes }: Extract<ReadAnswer, { kind: 'refs' }>): Promise<Uint8Array> => {
    const asked = (ref: string): boolean => isKvRef(ref) && isAsked(list, ref);
    if (list.prefixes !== null && !list.prefixes.some((prefix) => prefix.startsWith('refs/kv') || 'refs/kv'.startsWith(prefix)))
      return bytes;
    try {
      const refs = await refSnapshot(store, advertisedRefs(list, isKvRef), asked);
      return refs === null ? bytes : withRefs(list, isKvRef, refs);
    } catch {
      return bytes; // the list stands as git gave it: a client that gets half of a transaction asks again
    }
  };
  const handOn = async (pieces: readonly ReadAnswer[]): Promise<void> => {
    for (const piece of pieces) await client.output(piece.kind === 'bytes' ? piece.bytes : await settled(piece));
  };

  return {
    asks: (bytes) => requests.push(bytes),
    client: {
      errors: client.errors,
      output(bytes) {
        const pieces = answers.push(bytes);
        const [first] = pieces;
        if (first === undefined) return undefined;
        if (pieces.length === 1 && first.kind === 'bytes') return client.output(first.bytes);
        last = handOn(pieces);
        return last;
      },
    },
    async finish() {
      await last;
      const rest = answers.rest();
      if (rest.length > 0) await client.output(rest);
    },
  };
}
