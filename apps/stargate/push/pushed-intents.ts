import type { Gateway } from '../../../domain/gateway/door.js';
import type { SoundIntent } from '../../../domain/gateway/sequence/check-intent.js';
import type { IntentRequest } from '../../../domain/gateway/sequence/intent-request.js';
import { ANSWER_LINE, answerFields, type Ordered } from '../../../domain/git/wire/intent-frames.js';
import { intentRef, ledgerRef } from '../../../domain/ledger/refs.js';
import { KvError, toKvError } from '../../../ports/error.js';
import { formatRejection } from '../../../ports/rejection.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { Span } from '../../../ports/tracing.js';
import type { RefName, RefUpdate } from '../../../ports/vocabulary.js';
import type { CommandResult } from './proc-receive.js';
import type { PushedTransaction } from './push-line.js';

const INTENTS = 'refs/kv-intent/';

/** What brings the intents of one push to their order. */
interface PushedIntentsContext {
  readonly gateway: Pick<Gateway, 'checkIntent' | 'order'>;
  /** The repository's: there the intents lie once the push is taken. */
  readonly store: GitStore;
  /** Throws what the pusher is to see who may not push any more. */
  readonly confirm: () => void;
  /** What they are a part of. */
  readonly span?: Span;
}

interface CheckedOne {
  readonly command: RefUpdate;
  readonly sound: SoundIntent;
}

/** What has come of one. */
interface Outcome {
  readonly result: CommandResult;
  /** For the pusher's terminal. */
  readonly line: string;
  readonly error: KvError | null;
}

/** Whether a push brings intents. Throws `REF_FORBIDDEN` for one that brings refs besides. */
export function bringsIntents(commands: readonly RefUpdate[]): boolean {
  const intents = commands.filter(({ ref }) => ref.startsWith(INTENTS));
  if (intents.length === 0 || intents.length === commands.length) return intents.length > 0;
  throw new KvError('REF_FORBIDDEN', 'a push brings either intents or refs', { hint: 'push the intents by themselves' });
}

/** The intents of one push: checked while they are in quarantine, ordered once they are the repository's. */
export class PushedIntents {
  private constructor(
    private readonly context: PushedIntentsContext,
    private readonly checked: readonly CheckedOne[],
  ) {}

  /** Checks them all; `quarantine` has them. Throws what the pusher is to see: then none is ordered. */
  static async check(
    context: PushedIntentsContext,
    commands: readonly RefUpdate[],
    quarantine: GitStore,
  ): Promise<PushedIntents> {
    const checked: CheckedOne[] = [];
    const { span, confirm } = context;
    const traced = span === undefined ? {} : { span };
    for (const command of commands) {
      const { old, next } = command;
      if (next === null || old !== null) throw new KvError('REF_FORBIDDEN', 'an intent is pushed to a ref that is not there');
      const sound = await context.gateway.checkIntent({ oid: next, store: quarantine, confirm, ...traced });
      const { ns, txn } = sound.intent.trailers;
      if (command.ref !== intentRef(ns, txn)) {
        throw new KvError('REF_FORBIDDEN', `intent ${next} belongs to ${intentRef(ns, txn)}`, { hint: 'push it to that ref' });
      }
      checked.push({ command, sound });
    }
    return new PushedIntents(context, checked);
  }

  /** For the log, before anything is known of what comes of them. */
  get transactions(): PushedTransaction[] {
    return this.checked.map(({ sound: { intent, signer } }) => {
      const { ns, txn } = intent.trailers;
      const set = intent.operations.ops.filter(({ op }) => op === 'set').length;
      return { ns, txn, set, del: intent.operations.ops.length - set, signer };
    });
  }

  /** Orders them; gives what came of each, by its ref. Never throws. */
  async order(): Promise<ReadonlyMap<RefName, Outcome>> {
    const outcomes = await Promise.all(this.checked.map((one, id) => this.orderOne(one, id)));
    return new Map(this.checked.map(({ command }, i) => [command.ref, outcomes[i] as Outcome]));
  }

  private async orderOne({ command, sound }: CheckedOne, id: number): Promise<Outcome> {
    const { gateway, store, confirm, span } = this.context;
    const traced = span === undefined ? {} : { span };
    const request: IntentRequest = { oid: command.next as string, store, confirm, ...traced };
    try {
      const ordered = await gateway.order(sound, request);
      const line = `${ANSWER_LINE}${JSON.stringify(answerFields({ id, outcome: ordered }))}`;
      return { result: { moved: moveOf(ordered) }, line, error: null };
    } catch (thrown) {
      const error = toKvError(thrown);
      const refused = error.message.replace(/[\p{Cc}]+/gu, ' ').slice(0, 500);
      return { result: { refused }, line: formatRejection(error), error };
    }
  }
}

/** How the ledger has moved: git shows it in place of the ref that was pushed to. */
function moveOf({ ns, parent, commit }: Ordered): RefUpdate | null {
  return commit === null ? null : { ref: ledgerRef(ns), old: parent, next: commit };
}
