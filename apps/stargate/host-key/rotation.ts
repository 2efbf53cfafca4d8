import { rename, rm, writeFile } from 'node:fs/promises';
import { KvError } from '../../../ports/error.js';
import {
  HOST_KEY_KINDS,
  type HostKeyKind,
  type HostKeys,
  keyFile,
  keyFolder,
  nextKeyFile,
  readHostKeys,
  rotationFile,
} from './key-files.js';
import { makeKey, missing } from './make-keys.js';

/** What a rotation did. */
export type Rotated =
  | {
      /** Keys were lost, and new ones are in use. */
      readonly kind: 'made';
      readonly kinds: readonly HostKeyKind[];
    }
  | {
      /** New keys are there, which take over later; were there already; or were, and take over sooner than was said. */
      readonly kind: 'begun' | 'under-way' | 'sooner';
    }
  | {
      /** The new keys are in use. */
      readonly kind: 'switched';
    };

interface RotationRequest {
  /** Milliseconds from now until the new keys take over; 0: at once. */
  readonly grace: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A rotation that is under way ends after this grace, if that is sooner. */
  readonly sooner?: boolean;
}

/**
 * Replaces the host keys of a repository. A lost key is made anew and is in use at once: there is no old one to serve meanwhile. Else
 * new keys are made beside the old ones, which clients go on to be shown until the grace is over, and are told of the new ones.
 * Without a grace the new keys take over now, those of a rotation that is under way too. One is never put off: clients were told when. Throws what `readHostKeys` and `makeKey` do.
 */
export async function rotateHostKeys(gitDir: string, { grace, now, sooner = false }: RotationRequest): Promise<Rotated> {
  const folder = keyFolder(gitDir);
  const lost = await missing(folder);
  if (lost.length === HOST_KEY_KINDS.length) await readHostKeys(gitDir).catch(unlessLost); // it says when it is no Stargate's
  if (lost.length > 0) {
    await Promise.all(lost.map((kind) => makeKey(kind, keyFile(folder, kind))));
    return { kind: 'made', kinds: lost };
  }
  const { switchAt } = await readHostKeys(gitDir);
  if (switchAt !== null && grace > 0 && !(sooner && now + grace < switchAt)) return { kind: 'under-way' };
  if (switchAt === null) {
    // What an earlier try has left without its record was never told to anybody.
    await Promise.all(HOST_KEY_KINDS.map((kind) => removePair(nextKeyFile(folder, kind))));
    await Promise.all(HOST_KEY_KINDS.map((kind) => makeKey(kind, nextKeyFile(folder, kind))));
  }
  await writeRotation(folder, now + grace);
  if (grace > 0) return { kind: switchAt === null ? 'begun' : 'sooner' };
  await finishRotation(gitDir, now);
  return { kind: 'switched' };
}

/** Lets the next keys take over if their time has come. Idempotent: cut off, the next call goes on. True when they have taken over now. */
export async function finishRotation(gitDir: string, now: number): Promise<boolean> {
  const folder = keyFolder(gitDir);
  const { next, switchAt }: HostKeys = await readHostKeys(gitDir);
  if (switchAt === null || now < switchAt) return false;
  for (const { kind } of next) {
    // The public half first: a private key without one is whole, and it is by the private key that this is known to be done.
    for (const half of ['.pub', ''])
      await rename(`${nextKeyFile(folder, kind)}${half}`, `${keyFile(folder, kind)}${half}`).catch(unlessGone);
  }
  await rm(rotationFile(folder), { force: true });
  return true;
}

/** Another process, or an earlier call that was cut off, has moved it. */
function unlessGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function unlessLost(error: unknown): void {
  if (!KvError.is(error) || error.details?.['lost'] === undefined) throw error;
}

async function writeRotation(folder: string, switchAt: number): Promise<void> {
  const file = rotationFile(folder);
  await writeFile(`${file}.tmp`, `${JSON.stringify({ switch_at: new Date(switchAt).toISOString() })}\n`);
  await rename(`${file}.tmp`, file);
}

async function removePair(file: string): Promise<void> {
  await Promise.all([file, `${file}.pub`].map((half) => rm(half, { force: true })));
}
