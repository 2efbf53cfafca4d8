import { KvError, toKvError } from '../../../../ports/error.js';
import type { TransferProgress } from '../../../../ports/git/git-remote.js';
import type { NewObject } from '../../../../ports/git/git-store.js';
import { type TraceContext, traceOption } from '../../../../ports/grammar/trace-context.js';
import type { ObjectFormat, RefUpdate } from '../../../../ports/vocabulary.js';
import { smallPack } from '../../pack/small-pack.js';
import { saidSoFar } from '../../process/said.js';
import { progressIn } from '../../process/progress.js';
import { afterSending, BEFORE, movedAt, pushError } from '../push-outcome.js';
import { kvErrorIn } from '../failure/remote-error.js';
import { linesOf } from '../failure/remote-lines.js';
import { commandList, type Greeting, readReport, type Report } from './conversation.js';
import type { ReceivePackConnection } from './connection.js';

/** A push of objects that are all at hand, so that nothing has to be found out about what the other side has. */
interface DirectPush {
  readonly remote: string;
  readonly url: string;
  readonly format: ObjectFormat;
  readonly atomic: boolean;
  readonly objects: readonly NewObject[];
  readonly turn: string | undefined;
  readonly onRemoteLine: ((line: string) => void) | undefined;
  readonly trace: TraceContext | null | undefined;
  readonly onProgress: TransferProgress | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Pushes over a connection of our own, as `GitRemote.push` has it. False, and nothing sent, when the other side can't be told what
 * this push wants of it: git then finds the words.
 */
export async function directPush(
  connection: ReceivePackConnection,
  updates: readonly RefUpdate[],
  { remote, url, format, atomic, objects, turn, trace, onRemoteLine, onProgress, signal }: DirectPush,
): Promise<boolean> {
  connection.endOn(signal);
  const greeting = await connection.greeting;
  if (greeting === null) {
    throw await brokenOff(connection, { remote, url }, { end: 'Could not read from remote repository.', sent: 'nothing' });
  }
  if (!understands(greeting, format, atomic)) {
    connection.giveUp();
    return false;
  }
  const due = updates.filter(({ ref, next }) => greeting.refs.get(ref) !== next);
  const moved = due.find(({ ref, old }) => (greeting.refs.get(ref) ?? null) !== old);
  if (moved !== undefined || due.length === 0) {
    connection.giveUp();
    if (moved !== undefined) throw movedAt(moved.ref, remote);
    return true;
  }
  let said = '';
  const tell = onProgress === undefined ? undefined : progressIn(onProgress);
  const hear = onRemoteLine === undefined ? undefined : linesOf(onRemoteLine);
  onProgress?.('');
  try {
    const options = trace && greeting.capabilities.includes('push-options') ? [traceOption(trace)] : [];
    const commands = commandList(due, { format, atomic, turn, options, quiet: onProgress === undefined });
    connection.send(Buffer.concat([commands, smallPack(format, objects)]));
    const report = await readReport(connection.channel, (text) => {
      said = saidSoFar(said, text);
      tell?.(text);
      hear?.(text);
    });
    if (report === null) {
      const end = 'the remote end hung up unexpectedly';
      throw await brokenOff(connection, { remote, url }, { end, sent: 'all', said: asGitSays(said) });
    }
    await connection.finish();
    const refused = refusedLines(due, report);
    if (refused === '') return true;
    const unpack = report.unpack === 'ok' ? '' : `error: remote unpack failed: ${report.unpack}\n`;
    throw pushError({ remote, url }, refused, `${asGitSays(said)}${unpack}${connection.stderr}`);
  } finally {
    onProgress?.('');
  }
}

function understands({ capabilities }: Greeting, format: ObjectFormat, atomic: boolean): boolean {
  const spoken = capabilities.find((one) => one.startsWith('object-format='))?.slice('object-format='.length) ?? 'sha1';
  const wanted = ['report-status', 'side-band-64k', ...(atomic ? ['atomic'] : [])];
  return spoken === format && wanted.every((one) => capabilities.includes(one));
}

/** The connection ended too early: what was said on the way, in the order in which git would show it. Throws what ended it here. */
async function brokenOff(
  connection: ReceivePackConnection,
  side: { readonly remote: string; readonly url: string },
  { end, sent, said = '' }: { readonly end: string; readonly sent: 'nothing' | 'all'; readonly said?: string },
): Promise<KvError> {
  try {
    await connection.finish();
  } catch (error) {
    return KvError.is(error) ? afterSending(error, sent) : toKvError(error);
  }
  const text = `${said}${connection.stderr}\nfatal: ${end}\n`;
  const error = pushError(side, '', text);
  if (kvErrorIn(text) !== null) return error;
  const unsaid = sent === 'nothing' && !BEFORE.test(text);
  if (!unsaid || error.code !== 'IO_ERROR') return afterSending(error, sent);
  return error.with({ message: `${error.message}, before anything was sent`, details: { sent: 'cut' } });
}

/** The refs that were not moved, as `git push --porcelain` has them. */
function refusedLines(updates: readonly RefUpdate[], { unpack, refs }: Report): string {
  return updates
    .flatMap(({ ref }) => {
      const why = unpack === 'ok' ? (refs.has(ref) ? refs.get(ref) : 'no report') : 'unpacker error';
      return why === null ? [] : [`!\t:${ref}\t[remote rejected] (${why})\n`];
    })
    .join('');
}

/** The other side's words with git's `remote: ` in front of each line. */
const asGitSays = (said: string): string => said.replace(/^(?=.)/gm, 'remote: ').replace(/(?<=.)$/, '\n');
