import { may } from '../../access/principal.js';
import { KvError } from '../../../ports/error.js';
import { shownText } from '../../../ports/grammar/shown-text.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { classifyRef, type RefClass } from '../../ledger/refs.js';
import { misleading } from './new-refs.js';
import type { PushRequest } from './push.js';

/** A ref of one epoch that is moved or created. */
interface EpochRefUpdate extends RefUpdate {
  readonly epoch: string;
}

/** The refs of one namespace in a push. With `archive` it begins a new epoch; without, it brings transactions. */
export interface NamespacePush {
  readonly ns: string;
  readonly ledger: RefUpdate;
  readonly index: RefUpdate;
  readonly epoch: RefUpdate | null;
  readonly chunks: EpochRefUpdate | null;
  readonly archive: EpochRefUpdate | null;
}

type Parts = { -readonly [K in Exclude<keyof NamespacePush, 'ns'>]?: EpochRefUpdate };

/** Who may move which ref, and which refs move together. Throws `REF_FORBIDDEN` or `POLICY_VIOLATION` naming the ref. */
export async function sortRefs(request: PushRequest, store: GitStore): Promise<NamespacePush[]> {
  const perNamespace = new Map<string, Parts>();
  const seen = new Set<string>();
  for (const command of request.commands) {
    if (seen.has(command.ref)) throw forbidden(command.ref, 'is named twice');
    seen.add(command.ref);
    const found = classifyRef(command.ref);
    if (found.kind === 'branch' || found.kind === 'tag') {
      await checkOrdinary(command, found.kind, request, store);
      continue;
    }
    const { ns, kind, epoch } = kvPart(found, command);
    const parts = perNamespace.get(ns) ?? {};
    if (parts[kind] !== undefined) throw forbidden(command.ref, `cannot move together with ${parts[kind].ref}`);
    parts[kind] = { ...command, epoch };
    perNamespace.set(ns, parts);
  }
  if (perNamespace.size > 0 && !request.atomic) {
    throw new KvError('REF_FORBIDDEN', 'a push of kv refs must be atomic', {
      hint: 'write through a client of git-kv, or push atomically',
      advice: { id: 'push-atomically' },
    });
  }
  return [...perNamespace].map(([ns, parts]) => whole(ns, parts));
}

function kvPart(found: RefClass, command: RefUpdate): { ns: string; kind: keyof Parts; epoch: string } {
  if (
    found.kind === 'watchlog' ||
    found.kind === 'intents' ||
    found.kind === 'compacted' ||
    found.kind === 'mirror' ||
    found.kind === 'policy'
  ) {
    throw forbidden(command.ref, 'is written by the Stargate alone');
  }
  if (!('ns' in found)) {
    throw forbidden(command.ref, 'is no ref that this Stargate takes');
  }
  if (command.next === null) throw forbidden(command.ref, 'may not be deleted');
  if (found.kind === 'archive' && command.old !== null) throw forbidden(command.ref, 'is frozen');
  return { ns: found.ns, kind: found.kind, epoch: found.epoch ?? '' };
}

function whole(ns: string, parts: Parts): NamespacePush {
  const { ledger, index, epoch = null, chunks = null, archive = null } = parts;
  if (ledger === undefined || index === undefined) {
    throw new KvError('ATTESTATION_MISMATCH', `namespace ${ns}: a push must move the ledger and the index together`, {
      hint: `push refs/kv/${ns} and refs/kv-index/${ns} atomically, or write through a client of git-kv`,
      advice: { id: 'push-pair', ns },
    });
  }
  const begins = ledger.old === null || archive !== null;
  if (begins !== (epoch !== null)) {
    throw forbidden(
      `refs/kv-epoch/${ns}`,
      begins ? 'must be moved to where the namespace or its new epoch begins' : 'moves only with a new epoch',
    );
  }
  return { ns, ledger, index, epoch, chunks, archive };
}

/** Branches move forward only, tags never move; an admin may delete either. */
async function checkOrdinary(
  command: RefUpdate,
  kind: 'branch' | 'tag',
  { pusher }: PushRequest,
  store: GitStore,
): Promise<void> {
  const { ref, old, next } = command;
  if (!may(pusher, 'push')) throw new KvError('POLICY_VIOLATION', `${pusher.name} may not push to ${shownText(ref)}`);
  if (next === null) {
    if (may(pusher, 'administer')) return;
    throw forbidden(ref, 'may be deleted by an admin only');
  }
  const trouble = old === null ? misleading(ref) : null;
  if (trouble !== null) throw forbidden(ref, trouble);
  const [header] = await store.headers([next]);
  if (kind === 'branch' && header?.type !== 'commit') throw forbidden(ref, 'must point to a commit');
  if (old === null) return;
  if (kind === 'tag') throw forbidden(ref, 'exists, and a tag does not move');
  if (!(await store.isAncestor(old, next))) throw forbidden(ref, 'is not a fast-forward of the current tip');
}

function forbidden(ref: string, why: string): KvError {
  return new KvError('REF_FORBIDDEN', `${shownText(ref)} ${shownText(why)}`, {
    hint: 'docs/FORMAT.md says which refs a client may push, and how',
    details: { ref: shownText(ref) },
  });
}
