import type { DecisionResult } from '../../../../domain/gateway/replicate/effects.js';
import type { ServerId } from '../../../../domain/gateway/replicate/entry.js';
import { Fields } from '../../../../domain/gateway/replicate/wire/message-codec.js';
import { toKvError } from '../../../../ports/error.js';
import type { DecisionLog, Head, RecordedHead } from '../../../../ports/stargate/decision-log.js';
import type { PeerTransport } from '../../../../ports/stargate/peer-transport.js';
import { type PeerDispatch, TOPICS } from '../peers/dispatch.js';

/** Where a server reads heads and moves them. */
export interface Decisions {
  /** The head; null where there is none. Never rejects. */
  read(): Promise<RecordedHead | null | 'unreachable'>;
  decide(head: Head, after: string | null, fence: string | undefined): Promise<DecisionResult>;
  close(): void;
}

/** Reads a repository's head, by way of `owner` where the log lies on that server's host alone. Throws what the log or the way to it does. */
export async function readHead(
  log: DecisionLog,
  transport: PeerTransport,
  repository: string,
  owner: ServerId,
): Promise<RecordedHead | null> {
  if (log.capabilities.shared || owner === transport.self) return log.read(repository);
  const { body } = await transport.call(owner, { topic: TOPICS.head, repository, body: new Uint8Array(0) }, { withinMs: 5000 });
  return recordedIn(body);
}

/**
 * The decision log of a repository. Where only one server's host reaches it, that server, `owner`, is asked for the head by the others, who
 * never decide.
 */
export function openDecisions(log: DecisionLog, dispatch: PeerDispatch, repository: string, owner: ServerId): Decisions {
  const { transport } = dispatch;
  const isMine = log.capabilities.shared || owner === transport.self;
  const end = dispatch.on(TOPICS.head, repository, async () => ({
    body: Buffer.from(JSON.stringify({ recorded: await log.read(repository) })),
  }));
  return {
    read: () => readHead(log, transport, repository, owner).catch(() => 'unreachable' as const), // it is asked again
    async decide(head, after, fence) {
      if (!isMine) return { kind: 'fenced' };
      try {
        const revision = await log.decide(repository, { head, after, ...(fence === undefined ? {} : { fence }) });
        return { kind: 'made', revision };
      } catch (error) {
        const { code } = toKvError(error);
        return { kind: code === 'CAS_CONFLICT' ? 'moved' : code === 'NOT_LEADER' ? 'fenced' : 'unknown' };
      }
    },
    close: end,
  };
}

function recordedIn(body: Uint8Array): RecordedHead | null {
  const at = Fields.parse(body, 'answer');
  if (!at.has('recorded')) return null;
  const recorded = at.child('recorded');
  const head = recorded.child('head');
  return {
    revision: recorded.text('revision'),
    head: {
      sequence: head.count('sequence'),
      term: head.count('term'),
      digest: head.text('digest'),
      members: head.texts('members'),
    },
  };
}
