import { progressTo } from '../process/progress.js';
import type { GitPlace, GitResult } from '../process/run-git.js';
import { runRemote } from './remote-run.js';

export interface ShownRun {
  readonly command: readonly string[];
  /** A remote's name or URL, as git is given it. */
  readonly repository: string;
  readonly refspecs: readonly string[];
  /** Whether the progress goes to the terminal, when there is one. */
  readonly progress: boolean | undefined;
  readonly input?: string;
  /** The URL behind `repository`, where that is a name and a push needs it. */
  readonly to?: string;
}

/** Runs a fetch or a push with git's progress on the terminal, when that is wanted and there is one; quietly else. */
export async function runShown(place: GitPlace, run: ShownRun): Promise<GitResult> {
  const { command, repository, refspecs } = run;
  const line = run.progress === true ? progressTo(process.stderr) : undefined;
  const how = command.includes('--progress') ? [] : [line === undefined ? '--quiet' : '--progress'];
  try {
    return await runRemote(place, [...command, ...how, '--end-of-options', repository, ...refspecs], {
      from: run.to ?? repository,
      ...(run.input === undefined ? {} : { input: run.input }),
      ...(line === undefined ? {} : { onStderr: line.onStderr }),
    });
  } finally {
    line?.end();
  }
}
