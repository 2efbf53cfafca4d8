import { KvError } from '../../../ports/error.js';
import type { Greeting, Ordered } from '../../git/wire/intent-frames.js';
import type { Clone, WritingPorts } from '../clone/clone.js';
import type { Published } from '../clone/policy/known-policy.js';
import { orderedWrites, rememberOrdered } from '../clone/calls/ordered-writes.js';
import { newestTip } from '../clone/tips.js';
import { repositoryFor } from '../clone/repository.js';
import type { SignedIntent } from './signed-intent.js';
import { wrongMode } from './mode.js';
import { order, withPatience } from './order.js';
import { greetingOf, sessionOf } from './sessions.js';

/** Epochs begin seldom: an intent that meets a new one each time has met something else. */
const MOST_EPOCHS = 5;

interface InEpoch {
  readonly ns: string;
  /** Builds the intent, signed for an epoch (null: the namespace has none yet) of a repository. */
  readonly build: (epoch: string | null, repository: string) => Promise<SignedIntent>;
  readonly published: Published;
  readonly signal?: AbortSignal | undefined;
  /** The intent means the epoch that it was built for, and no later one. */
  readonly thisEpoch?: boolean;
}

interface OrderedIntent {
  readonly ordered: Ordered;
  readonly intent: SignedIntent;
  /** How often an epoch had begun meanwhile. */
  readonly retries: number;
}

/**
 * Builds an intent for the namespace's epoch and has it ordered; when another epoch has begun, the same transaction is built for that one.
 * It is built for what this clone has last heard while the connection comes up, and again where the Stargate's greeting says otherwise.
 */
export async function orderInEpoch(
  clone: Clone,
  ports: WritingPorts,
  { ns, build, published, signal, thisEpoch }: InEpoch,
): Promise<OrderedIntent> {
  sessionOf(clone); // comes up while the intent is built
  const known = thisEpoch === true ? undefined : (await orderedWrites(clone, ns)).epoch;
  let last: SignedIntent | null = null;
  const builtFor = async (epoch: string | null, repository: string): Promise<SignedIntent> => {
    const { epoch: before, repository: by } = last?.trailers ?? {};
    last = last !== null && before === epoch && by === repository ? last : await build(epoch, repository);
    return last;
  };
  if (known !== undefined && published.repositoryId !== null) await builtFor(known, published.repositoryId);
  const greeting = await withPatience(clone, ports, () => greetingOf(sessionOf(clone)));
  const there = greeting?.namespaces.find((one) => one.ns === ns);
  if (there?.mode === 'linear') throw wrongMode(ns, 'linear');
  const told = sessionOf(clone)?.epochOf(ns);
  const heard = told === undefined ? known : told;
  let epoch = heard === undefined ? await fetchedEpoch(clone, ns) : heard;
  const repository = await repositoryOf(clone, ns, greeting, published);
  for (let retries = 0; ; retries++) {
    const intent = await builtFor(epoch, repository);
    try {
      const ordered = await order(clone, ports, intent, signal);
      await rememberOrdered(clone, ns, ordered);
      return { ordered, intent, retries };
    } catch (error) {
      const moved = movedEpoch(error);
      if (moved === undefined || moved === epoch || thisEpoch === true || retries === MOST_EPOCHS) throw error;
      epoch = moved;
      await rememberOrdered(clone, ns, { epoch, commit: null });
    }
  }
}

/** The epoch that a Stargate names which refuses an intent of another one; undefined for any other error. */
export function movedEpoch(error: unknown): string | undefined {
  if (!KvError.is(error) || error.code !== 'CAS_CONFLICT') return undefined;
  const epoch = error.details?.['epoch'];
  return typeof epoch === 'string' ? epoch : undefined;
}

/** The epoch of what this clone has fetched; null: it has fetched nothing. */
async function fetchedEpoch(clone: Clone, ns: string): Promise<string | null> {
  return (await newestTip(clone, ns))?.trailers.epoch ?? null;
}

/**
 * The repository that an intent is for: the one that greets. Throws `ATTESTATION_MISMATCH` where this clone knows it as another's: what is
 * signed for one Stargate is not to be had by whoever answers at its address.
 */
async function repositoryOf(clone: Clone, ns: string, greeting: Greeting | null, { repositoryId }: Published): Promise<string> {
  const shown = greeting?.repository ?? repositoryId;
  if (shown === null) {
    throw new KvError(
      'CONFIG_INVALID',
      `the Stargate has published no id of its repository, which intents for namespace ${ns} must name`,
      {
        hint: 'update the Stargate, or fetch what it has published',
        advice: { id: 'learn-policy' },
      },
    );
  }
  if (shown === repositoryId) return shown;
  const repository = repositoryFor({ repositoryId: shown }, await newestTip(clone, ns));
  if (repository instanceof KvError) throw repository;
  return shown;
}
