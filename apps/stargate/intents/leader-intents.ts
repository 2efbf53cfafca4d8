import type { Gateway } from '../../../domain/gateway/door.js';
import type { ObjectNamer } from '../../../domain/git/object.js';
import type { Greeting, IntentAnswer } from '../../../domain/git/wire/intent-frames.js';
import { decodeCommit } from '../../../domain/git/commit.js';
import { parseLedgerMessage } from '../../../domain/ledger/transaction/attestation.js';
import { ledgerRef } from '../../../domain/ledger/refs.js';
import { KvError } from '../../../ports/error.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { ExecSession, ServeExec } from '../exec-session.js';
import type { Log } from '../log/log.js';
import type { Metrics } from '../metrics.js';
import type { DiskRoom } from '../repository/disk-room.js';
import type { Housekeeping } from '../repository/housekeeping.js';
import { IntentStream } from './intent-stream.js';

interface LeaderIntentsOptions {
  readonly gateway: Gateway;
  readonly store: GitStore;
  readonly namer: ObjectNamer;
  readonly policy: () => Policy;
  readonly repositoryId: string;
  readonly housekeeping: Housekeeping;
  readonly room: Pick<DiskRoom, 'require'>;
  readonly metrics: Metrics;
  /** Fires, with the KvError to tell, when this Stargate leads no more. */
  readonly over: AbortSignal;
  readonly log: Log;
}

/** Streams of intents to a leader. */
export interface LeaderIntents {
  readonly serve: ServeExec;
  /** How many are open. */
  open(): number;
}

/** Serves streams of intents to a leader: counts and logs what becomes of each, and lets housekeeping go between them. */
export function leaderIntents(options: LeaderIntentsOptions): LeaderIntents {
  const { gateway, store, namer, housekeeping, room, over, policy, metrics } = options;
  let open = 0;
  const count = (by: number): void => {
    open += by;
    metrics.intentStreams(open);
  };
  const serve: ServeExec = async (session) => {
    over.throwIfAborted();
    const stream = new IntentStream(session, {
      ...{ store, namer, over },
      gateway: {
        checkIntent: (request) => gateway.checkIntent(request),
        order: (sound, request) => housekeeping.during(() => gateway.order(sound, request)),
      },
      greeting: () => greeting(options),
      limits: () => policy().limits,
      room: () => room.require(),
      answered: (answer, bytes, ms) => told(options, session, answer, bytes, ms),
    });
    count(1);
    try {
      return await stream.run();
    } finally {
      count(-1);
    }
  };
  return { serve, open: () => open };
}

/** What a client has to know before it can make an intent. */
export async function greeting({
  store,
  policy,
  repositoryId,
}: Pick<LeaderIntentsOptions, 'store' | 'policy' | 'repositoryId'>): Promise<Greeting> {
  const { namespaces, limits } = policy();
  const refs = await store.refs([...namespaces.keys()].map(ledgerRef));
  const tips = [...namespaces.keys()].map((ns) => refs.get(ledgerRef(ns)));
  const commits = await store.read(tips.flatMap((oid) => oid ?? []));
  const epochs = new Map(
    commits.flatMap((object) => {
      if (object === null) return [];
      const { message } = decodeCommit(object.body, object.oid, store.objectFormat);
      return [[object.oid, parseLedgerMessage(message, object.oid).epoch] as const];
    }),
  );
  return {
    repository: repositoryId,
    format: store.objectFormat,
    maxFrame: limits.intentBytes,
    traces: true,
    namespaces: [...namespaces].map(([ns, { ledgerMode }], i) => ({
      ns,
      mode: ledgerMode,
      epoch: epochs.get(tips[i] ?? '') ?? null,
    })),
  };
}

function told(
  { metrics, log }: LeaderIntentsOptions,
  session: ExecSession,
  answer: IntentAnswer,
  bytes: number,
  took: number,
): void {
  const { request, pusher, fingerprint, remote } = session;
  const facts = { request, pusher: pusher.name, fingerprint, remote, bytes, ms: Math.round(took) };
  const { outcome } = answer;
  if (KvError.is(outcome)) {
    metrics.rejected(outcome.code);
    const { code, message } = outcome;
    if (code === 'UNEXPECTED')
      log.error('intent.failed', { ...facts, message, stack: (outcome.cause as Error | undefined)?.stack });
    log.warn('intent.refused', { ...facts, code, message });
    return;
  }
  metrics.accepted(took);
  const { ns, txn, commit, set, del, retried } = outcome;
  log.info('intent.ordered', { ...facts, ns, txn, commit, set, del, retried });
}
