import { dirname, join, normalize } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { formatRejection } from '../../../ports/rejection.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { bytesOf } from './hook-pipe.js';
import { oidOrNull } from './push-stream.js';

/** What the pre-receive hook says of a push. */
export interface HookReport {
  readonly quarantine: string;
  readonly commands: readonly RefUpdate[];
}

/** Reads the hook's lines up to `end`; undefined when the hook ended before. */
export async function readHookReport(input: Readable): Promise<HookReport | undefined> {
  let quarantine = '';
  const commands: RefUpdate[] = [];
  for await (const line of linesOf(input)) {
    if (line === 'end') return { quarantine, commands };
    if (line.startsWith('quarantine ')) quarantine = line.slice('quarantine '.length);
    else {
      const [old = '', next = '', ...ref] = line.split(' ');
      commands.push({ ref: ref.join(' '), old: oidOrNull(old), next: oidOrNull(next) });
    }
  }
  return undefined;
}

async function* linesOf(input: Readable): AsyncGenerator<string> {
  let pending = '';
  const decoder = new TextDecoder();
  for await (const bytes of bytesOf(input)) {
    const lines = (pending + decoder.decode(bytes, { stream: true })).split('\n');
    pending = lines.pop() ?? '';
    yield* lines;
  }
}

/**
 * Checks that a quarantine is a folder right inside the repository's object store. Throws `GIT_ERROR`.
 * Null for a push that brings no objects: git makes no quarantine for it.
 */
export function checkQuarantine(gitDir: string, quarantine: string, commands: readonly RefUpdate[]): string | null {
  if (quarantine === '' && commands.every((command) => command.next === null)) return null;
  const name = quarantine.slice(dirname(quarantine).length + 1);
  const inside = normalize(dirname(quarantine)) === normalize(join(gitDir, 'objects'));
  if (!inside || !/^(tmp_objdir-)?incoming-[A-Za-z0-9]{6,}$/.test(name)) {
    throw new KvError('GIT_ERROR', 'the hook names a quarantine outside of the repository');
  }
  return quarantine;
}

/** Throws unless git checks exactly what the client announced: a ref that git dropped on its own would split a push. */
export function checkSameCommands(announced: readonly RefUpdate[], checked: readonly RefUpdate[]): void {
  const name = (update: RefUpdate): string => `${update.old} ${update.next} ${update.ref}`;
  const seen = new Set(checked.map(name));
  const missing = announced.filter((update) => !seen.has(name(update)));
  if (missing.length === 0 && announced.length === checked.length) return;
  throw new KvError(
    'REF_FORBIDDEN',
    `git refuses a part of the push: ${missing
      .map((m) => m.ref)
      .slice(0, 5)
      .join(' ')}`,
    {
      hint: 'all refs of a push land together or not at all; push complete history to allowed refs',
    },
  );
}

/** Sends a verdict to a hook: lines for the pusher's terminal, then the decision. */
export function sendVerdict(output: Writable, thrown: unknown): void {
  const lines = thrown === undefined ? ['ok'] : [`say ${formatRejection(toKvError(thrown))}`, 'no'];
  output.write(`${lines.join('\n')}\n`);
}
