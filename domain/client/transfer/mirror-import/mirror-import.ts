import type { BundleReader } from '../../../../ports/git/bundle-reader.js';
import { KvError } from '../../../../ports/error.js';
import {
  type MirrorManifest,
  parseManifestFile,
  refsText,
  type SignedManifest,
} from '../../../../ports/grammar/mirror-manifest.js';
import type { SignatureVerifier } from '../../../../ports/clone/signer.js';
import type { Oid, RefName } from '../../../../ports/vocabulary.js';
import { utf8 } from '../../../git/bytes.js';
import { type Clone, namerOf } from '../../clone/clone.js';
import { knownPublished } from '../../clone/policy/known-policy.js';
import { landingMoves } from './landing.js';
import { type ImportProgress, PROGRESS_REF, progressBlob, readProgress } from './progress.js';
import { checkSigner, trustedKeys } from './trusted.js';

/** Where links lie that were carried here. */
export interface LinkFolder {
  /** A name for people. */
  readonly label: string;
  /** The numbers of the manifests, ascending. */
  numbers(): Promise<readonly number[]>;
  /** A manifest's file. */
  manifest(seq: number): Promise<Uint8Array>;
  /** The path of a bundle. */
  bundle(seq: number, sha256: string): string;
}

/** What an import takes. */
export interface MirrorImportRequest {
  readonly from: LinkFolder;
  readonly bundles: BundleReader;
  readonly verifier: SignatureVerifier;
  /** Fingerprints of keys that links may be signed with, besides those that are known here. */
  readonly trusted: readonly string[];
  /** Another chain than the one that was imported may go on from what is here. */
  readonly newChain: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (seq: number, last: number) => void;
}

/** What an import has done. */
export interface MirrorImportReport {
  readonly repository: string | null;
  readonly chain: string;
  /** How many links were taken, and the newest that is here now. */
  readonly applied: number;
  readonly seq: number;
  /** How many moves of refs they were here. */
  readonly moves: number;
  /** When the newest that was taken now was written, ISO 8601 UTC; null where none was. */
  readonly written: string | null;
}

/**
 * Applies the links of a folder in their order: of each, the signature and what it goes on from are checked, its objects are taken in,
 * and all of its refs move at once, with the note of how far this clone is. What was applied stays when a later link fails.
 * Throws `NOT_FOUND` for a gap, `SYNC_REFUSED` for another chain or another repository, `SIGNATURE_INVALID`, `SIGNER_UNKNOWN`, and what the reader of
 * bundles throws.
 */
export async function importMirror(clone: Clone, request: MirrorImportRequest): Promise<MirrorImportReport> {
  const { from, onProgress, signal } = request;
  const numbers = await from.numbers();
  const last = numbers.at(-1);
  if (last === undefined)
    throw new KvError('NOT_FOUND', `${from.label} holds no manifest of a mirror`, {
      hint: 'name the folder that was carried here',
    });
  let at = await startingPoint(clone, request, numbers);
  let trusted = await trustedKeys(clone, request.trusted);
  let [applied, moves] = [0, 0];
  let written: string | null = null;
  for (const seq of numbers.filter((number) => number > (at?.seq ?? 0))) {
    if (signal.aborted)
      throw new KvError('INTERRUPTED', `interrupted after ${applied} links`, { hint: 'run it again: it goes on' });
    if (seq !== (at?.seq ?? 0) + 1) throw gap(from, (at?.seq ?? 0) + 1, seq);
    onProgress(seq, last);
    const link = await readLink(from, seq);
    await checkSigner(clone, request.verifier, link, trusted);
    const next = follow(clone, at, link);
    const { bundle, repository } = link.manifest;
    await sameRepository(clone, at, repository, seq);
    if (bundle !== null) await request.bundles.take(from.bundle(seq, bundle.sha256), bundle, signal);
    const updates = await landingMoves(clone, link.manifest.moves, request.newChain && at === null);
    const blob = progressBlob(namerOf(clone), next);
    const old: Oid | null = (await clone.store.refs([PROGRESS_REF])).get(PROGRESS_REF) ?? null;
    if (old !== (at?.oid ?? old))
      throw new KvError('CAS_CONFLICT', 'another import into this clone is at work', { hint: 'let it end' });
    await clone.store.write([blob]);
    await clone.store.updateRefs([...updates, { ref: PROGRESS_REF, old, next: blob.oid }], `kv: mirror import ${seq}`);
    at = { ...next, oid: blob.oid };
    trusted = await trustedKeys(clone, request.trusted); // it may have brought the next host key
    [applied, moves, written] = [applied + 1, moves + updates.length, link.manifest.time];
  }
  if (at === null) throw gap(from, 1, last);
  return { repository: at.repository, chain: at.chain, applied, seq: at.seq, moves, written };
}

type Progress = (ImportProgress & { readonly oid: Oid }) | null;

/** How far this clone is in the folder's chain; null where it is to begin with the first link. */
async function startingPoint(
  clone: Clone,
  { from, newChain }: MirrorImportRequest,
  numbers: readonly number[],
): Promise<Progress> {
  const progress = await readProgress(clone);
  if (progress === null) return null;
  // The newest link here that this clone should know.
  const known = [...numbers].reverse().find((seq) => seq <= progress.seq) ?? (numbers[0] as number);
  const { manifest, payload } = await readLink(from, known);
  const same =
    manifest.chain === progress.chain && (known !== progress.seq || clone.hasher.hex('sha256', payload) === progress.digest);
  if (same) return progress;
  if (newChain && manifest.chain !== progress.chain) return null;
  throw new KvError(
    'SYNC_REFUSED',
    `${from.label} holds another chain than the one that this clone has imported up to link ${progress.seq}`,
    {
      hint: 'an older copy, or a Stargate that began anew: compare the times in the manifests; a new chain has to be asked for',
      details: { imported: progress.chain, found: manifest.chain },
    },
  );
}

async function readLink(from: LinkFolder, seq: number): Promise<SignedManifest> {
  const link = parseManifestFile(await from.manifest(seq), `link ${seq} of ${from.label}`);
  if (link.manifest.seq === seq) return link;
  throw new KvError('SYNC_REFUSED', `the file of link ${seq} holds link ${link.manifest.seq}`, { hint: 'bring the folder anew' });
}

/** What is known once a link was applied. Throws `SYNC_REFUSED` unless it goes on from what is here. */
function follow(clone: Clone, at: Progress, { manifest, payload }: SignedManifest): ImportProgress {
  const { chain, seq, prev, format, repository, moves, state } = manifest;
  if (format !== clone.store.objectFormat) {
    throw new KvError('CONFIG_INVALID', `link ${seq} is of ${format} objects, and this clone has ${clone.store.objectFormat}`, {
      hint: 'import into a clone of that object format',
      advice: { id: 'clone-anew', format },
    });
  }
  const refs = new Map<RefName, Oid>(at?.refs ?? []);
  const fits = moves.every(({ ref, old }) => (refs.get(ref) ?? null) === old);
  for (const { ref, next } of moves) next === null ? refs.delete(ref) : refs.set(ref, next);
  const whole = clone.hasher.hex('sha256', utf8(refsText(refs))) === state;
  if (chain !== (at?.chain ?? chain) || prev !== (at?.digest ?? null) || !fits || !whole) {
    throw new KvError('SYNC_REFUSED', `link ${seq} does not go on from what this clone has imported`, {
      hint: 'it is of another chain, or an older one: bring the links that follow',
      details: { seq },
    });
  }
  const digest = clone.hasher.hex('sha256', payload);
  return { repository: repository ?? at?.repository ?? null, chain, seq, digest, refs };
}

async function sameRepository(clone: Clone, at: Progress, repository: MirrorManifest['repository'], seq: number): Promise<void> {
  const own = at?.repository ?? (await knownPublished(clone)).repositoryId;
  if (repository === null || own === null || repository === own) return;
  throw new KvError('SYNC_REFUSED', `link ${seq} is of repository ${repository}, and this clone is of ${own}`, {
    hint: 'import it into a clone of its own',
    details: { seq, repository, own },
  });
}

const gap = ({ label }: LinkFolder, missing: number, next: number): KvError =>
  new KvError('NOT_FOUND', `${label}: link ${missing} is missing, and the next that is there is ${next}`, {
    hint: 'bring the missing links too; what came before is imported',
    details: { missing, next },
  });
