import type { Fault } from '../../../domain/repo/isolated.js';
import type { Candidate } from '../../../domain/repo/types.js';
import type { CommandResult } from '../../../ports/sandbox/command-runner.js';

/** Faults that are told of one command, and how much of what it said. */
const MOST = 100;
const SAID = 1000;

/** What a command that failed has found: lines such as `path:12: what`, as compilers write them, or else all that it said. */
export async function faultsIn(
  name: string,
  { exitCode, timedOut, output }: Pick<CommandResult, 'exitCode' | 'timedOut' | 'output'>,
  { files }: Pick<Candidate, 'files'>,
): Promise<Fault[]> {
  if (exitCode === 0) return [];
  const found: Fault[] = [];
  const paths = new Set((await files()).map(({ path }) => path));
  for (const line of output.split('\n')) {
    const [, path = '', number, message = ''] =
      /^(?:\.\/)?([^:]+):(?:(\d{1,9}):)?(?:\d{1,9}:)?\s*(.+)$/.exec(line.slice(0, 4096)) ?? [];
    if (!paths.has(path)) continue;
    found.push({ path, message: message.slice(0, SAID), ...(number === undefined ? {} : { line: Number(number) }) });
    if (found.length >= MOST) break;
  }
  if (found.length > 0 && !timedOut) return found;
  const how = timedOut ? 'has taken too long' : `ended with ${exitCode}`;
  const said = output.trim().slice(0, SAID);
  return [...found, { path: '.', message: `command '${name}' ${how}${said === '' ? '' : `: ${said}`}` }];
}
