import { setTimeout as sleep } from 'node:timers/promises';
import { KvError } from '../../../ports/error.js';
import type { GitResult } from '../process/run-git.js';
import { clearStaleLocks, removal } from './stale-locks.js';

// What git says when another process moves the refs of this clone. The other side's words begin with `remote: `.
const MOVED =
  /^error: cannot lock ref '[^'\n]+': (?:is at \w+ but|reference already exists|reference is missing|unable to resolve)/m;
const LOCKED = /^(?:error|fatal): (?:[^\n]*: )?Unable to create '([^'\n]+\.lock)': File exists/m;

/** A clean-up of this clone has taken a folder of objects away between git's making it and its use. */
const TIDIED = /^error: unable to write file \S*objects\/[^\n]*: No such file or directory/m;
const RACES = [MOVED, LOCKED, TIDIED];

/** A second try nearly always does. */
const MAX_TRIES = 10;
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 400;

/** Runs a git command that changes this clone, again when it has met another one that does, or the locks that a killed one has left. */
export async function unlessRaced(run: () => Promise<GitResult>): Promise<GitResult> {
  for (let tries = 1; ; tries++) {
    const result = await run();
    if (result.code === 0 || tries === MAX_TRIES || !RACES.some((race) => race.test(result.stderr))) return result;
    const lock = LOCKED.exec(result.stderr)?.[1];
    if (lock !== undefined && (await clearStaleLocks(lock)) > 0) continue;
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, LAST_PAUSE_MS);
    await sleep(longest * (0.5 + Math.random() / 2)); // two commands that met must not meet again
  }
}

/** Locks of this clone that stay: `GIT_ERROR`; null when that is not what happened. */
export async function lockedHere(what: string, stderr: string): Promise<KvError | null> {
  const lock = LOCKED.exec(stderr)?.[1];
  if (lock === undefined) return null;
  return new KvError('GIT_ERROR', `${what}: '${lock}' is there, so another process is moving refs of this clone`, {
    hint: `try again; if no git process is running here, a crash has left it: ${await removal(lock)}`,
    details: { lock },
  });
}
