import type { Oid } from '../../../../ports/vocabulary.js';
import type { FindChunks } from '../../../verify/keys/manifests.js';
import { checkDigests, checkNewChunks } from '../../../verify/keys/new-chunks.js';
import { rulesAt, type Tally, type VerifyContext } from '../context.js';
import type { Findings } from '../findings.js';

/** What a chunks commit changed. */
export interface ChunksStep {
  readonly before: Oid | null;
  readonly after: Oid;
  readonly commit: Oid;
  readonly epoch: string;
}

/** The chunks of an epoch, as far as the walk has seen them: what manifests may name. */
export class KnownChunks {
  private readonly blobs = new Map<string, Oid>();

  /** `here`: the epoch's chunks are in this clone. `newer`: some that its ledger attests are not here yet. */
  constructor(
    private readonly findings: Findings,
    private readonly here: boolean,
    private readonly newer: boolean,
  ) {}

  /** Takes what a chunks commit added; with `digests`, every chunk is read and held against its name. */
  async take(
    context: VerifyContext,
    { before, after, commit, epoch }: ChunksStep,
    digests: boolean,
    tally: Tally,
  ): Promise<void> {
    const rules = rulesAt(context, { commit, epoch });
    const added = await checkNewChunks(rules, before, after);
    for (const { digest, oid } of added) this.blobs.set(digest, oid);
    tally.chunks += added.length;
    if (digests && context.blobs) await checkDigests(rules, added);
  }

  /** Null, and a note, when the chunks of a value are not here. */
  readonly find: FindChunks = async (digests) => {
    const known = this.here && !(this.newer && digests.some((digest) => !this.blobs.has(digest)));
    if (known) return this.blobs;
    const which = this.here ? 'are newer than those in this clone' : 'are not in this clone';
    const many = `%d chunked values were not held against their chunks, which ${which}: reading one fetches them`;
    const one = `%d chunked value was not held against its chunks, which ${which}: reading it fetches them`;
    this.findings.note({ one, many });
    return null;
  };
}
