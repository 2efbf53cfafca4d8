import { randomInt } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, type CommandRunner, diskErrorCode, KvError } from '../../ports/index.js';
import { clearAway, layDown } from './lay-down.js';
import { FIRST_USER } from './probe.js';
import { runChild } from './run-child.js';
import { PATH, type Walls, walled } from './walls.js';

/** Of so many ids each command gets one. */
const USERS = 65_536;

/** Runs commands inside walls, each in a folder of its own below `work`. */
export function sandbox(walls: Walls, work: string): CommandRunner {
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();

  const run: CommandRunner['run'] = async ({ argv, files, limits, signal }): Promise<CommandResult> => {
    const [program, ...args] = argv;
    const path = await found(program);
    const ended = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]);
    if (ended.aborted) throw new KvError('INTERRUPTED', `${program} was interrupted`);
    const user = walls.isRoot && walls.isolation.user ? FIRST_USER + randomInt(USERS) : null;
    const folder = await ownFolder(work);
    try {
      await layDown(folder, files, user);
      const line = walled(walls, limits, user ?? 0, [path, ...args]);
      return await runChild(line, folder, limits, ended);
    } finally {
      await clearAway(folder);
    }
  };
  return {
    isolation: walls.isolation,
    run(request) {
      const result = run(request);
      const settled: Promise<unknown> = result.then(
        () => running.delete(settled),
        () => running.delete(settled), // the caller has the error
      );
      running.add(settled);
      return result;
    },
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

/** Where a program is. Throws `CONFIG_INVALID`: that it isn't there would otherwise look like its own failure. */
async function found(program: string): Promise<string> {
  const places = program.includes('/') ? [program] : PATH.split(':').map((folder) => join(folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      // it isn't there: the next place
    }
  }
  throw new KvError('CONFIG_INVALID', `there is no program '${program}'`, {
    hint: `give its whole path, or install it in one of ${PATH}`,
  });
}

async function ownFolder(work: string): Promise<string> {
  try {
    return await mkdtemp(join(work, 'git-kv-command-'));
  } catch (cause) {
    throw new KvError(diskErrorCode(cause), `there is no folder for a command: ${(cause as Error).message}`, { cause });
  }
}
