import { KvError } from '../../../ports/error.js';
import type { ByteSink } from '../../../ports/git/git-service.js';
import { formatRejection } from '../../../ports/rejection.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { oidOrNull } from '../../../domain/git/wire/push-request.js';

/** What the pre-receive hook says of a push. */
export interface HookReport {
  /** Where the pushed objects lie; empty where git made no quarantine. */
  readonly quarantine: string;
  readonly commands: readonly RefUpdate[];
}

/** Reads the hook's lines up to `end`; undefined when the hook ended before. */
export async function readHookReport(input: AsyncIterable<Uint8Array>): Promise<HookReport | undefined> {
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

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending = '';
  const decoder = new TextDecoder();
  for await (const bytes of input) {
    const lines = (pending + decoder.decode(bytes, { stream: true })).split('\n');
    pending = lines.pop() ?? '';
    yield* lines;
  }
}

/**
 * The quarantine of a push, null for a push that brings no objects: git makes none for it.
 * Throws `GIT_ERROR` when it brings some and the hook names none.
 */
export function quarantineOf({ quarantine, commands }: HookReport): string | null {
  if (quarantine !== '') return quarantine;
  if (commands.every((command) => command.next === null)) return null;
  throw new KvError('GIT_ERROR', 'the hook names no quarantine');
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

/** Sends lines for the pusher's terminal to a hook, before its verdict. */
export function sendWords(output: ByteSink, lines: readonly string[]): void {
  if (lines.length > 0) void output.write(Buffer.from(lines.map((line) => `say ${line}\n`).join('')));
}

/** Sends a verdict to a hook: lines for the pusher's terminal, in which the request is named, then the decision. */
export function sendVerdict(output: ByteSink, request: string, refusal: KvError | undefined): void {
  const lines = refusal === undefined ? ['ok'] : [`say ${formatRejection(refusal, request)}`, 'no'];
  void output.write(Buffer.from(`${lines.join('\n')}\n`));
}
