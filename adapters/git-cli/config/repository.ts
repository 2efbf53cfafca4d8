import { resolve } from 'node:path';
import { KvError } from '../../../ports/error.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { firstComplaint, gitPlace, runGit } from '../process/run-git.js';
import type { Environment, GitPlace } from '../process/run-git.js';
import { checkVersion, type GitAbilities, TELL_VERSION, versionApart } from '../process/git-version.js';

/** What a repository is, from one `git rev-parse`. All paths are absolute. */
export interface Repository extends GitAbilities {
  readonly objectFormat: ObjectFormat;
  /** The work tree's own Git directory. */
  readonly gitDir: string;
  /** What all work trees share: refs, objects, configuration. */
  readonly commonDir: string;
  readonly objectsFolder: string;
  /** Runs git on exactly this repository, without another discovery. */
  readonly place: GitPlace;
}

const FACTS = [
  'rev-parse',
  '--path-format=absolute',
  '--show-object-format',
  '--git-dir',
  '--git-common-dir',
  '--git-path',
  'objects',
];

/** The questions without an answer yet: a clone's ports are opened at the same moment, and all ask the same. */
const asked = new WeakMap<Environment, Map<string, Promise<Repository>>>();

/** Finds the repository of a directory. Throws `GIT_ERROR` when there is none, `CONFIG_INVALID` when git is too old. */
export function findRepository(directory: string, env: Environment): Promise<Repository> {
  const inEnvironment = asked.get(env) ?? new Map<string, Promise<Repository>>();
  asked.set(env, inEnvironment);
  const same = inEnvironment.get(directory);
  if (same !== undefined) return same;
  const answer = askGit(directory, env).finally(() => inEnvironment.delete(directory));
  inEnvironment.set(directory, answer);
  return answer;
}

async function askGit(directory: string, env: Environment): Promise<Repository> {
  const place = gitPlace(resolve(directory), env, TELL_VERSION);
  const { code, stdout, stderr: said } = await runGit(place, FACTS);
  const { version, words: stderr } = versionApart(said);
  const abilities = await checkVersion(place, version);
  const [format, gitDir, commonDir, objectsFolder] = stdout.toString('utf8').split('\n');
  if (code !== 0 || gitDir === undefined || commonDir === undefined || objectsFolder === undefined) {
    if (/dubious ownership/.test(stderr)) {
      const advice = /^\s*(git config --global --add safe\.directory .*\S)\s*$/m.exec(stderr)?.[1];
      throw new KvError('GIT_ERROR', firstComplaint(stderr), {
        hint: `run this as the owner, or trust the repository: ${advice ?? 'git config --global --add safe.directory DIR'}`,
      });
    }
    throw new KvError('GIT_ERROR', `no Git repository at '${directory}': ${firstComplaint(stderr)}`, {
      hint: 'run this inside a clone, or make one with `git clone`',
    });
  }
  if (format !== 'sha1' && format !== 'sha256') {
    throw new KvError('FORMAT_UNSUPPORTED', `the repository at '${gitDir}' has the object format '${format}'`, {
      hint: 'use a sha1 or sha256 repository',
    });
  }
  return { objectFormat: format, gitDir, commonDir, objectsFolder, ...abilities, place: gitPlace(gitDir, env) };
}
