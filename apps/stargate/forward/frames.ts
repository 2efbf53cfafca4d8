import { Fields } from '../../../domain/gateway/replicate/wire/message-codec.js';
import { KvError } from '../../../ports/error.js';
import type { SshCommand } from '../ssh/command.js';

/**
 * What a standby asks of the leader for one command of a client: to begin it, to take what the client says, to give what it is to hear, to end
 * it. A request and its answer are a line of JSON, and bytes behind it.
 */
export type Asked =
  | {
      readonly op: 'open';
      readonly id: string;
      readonly command: SshCommand;
      /** Of the key that the client has proved to the standby. */
      readonly fingerprint: string;
      readonly remote: string;
      readonly request: string;
      readonly gitProtocol: string | null;
    }
  /** The bytes are the client's; `end` is 1 where it says no more. */
  | { readonly op: 'input'; readonly id: string; readonly seq: number; readonly end: 0 | 1 }
  /** Waits a moment for something to hear. */
  | { readonly op: 'output'; readonly id: string; readonly seq: number }
  /** The client is there, and takes its time to hear what it was told. */
  | { readonly op: 'alive'; readonly id: string }
  /** The client is gone. */
  | { readonly op: 'leave'; readonly id: string };

/** What a client is to hear: the lengths of pieces of its output and of its standard error, in order, and how its command has ended. */
export interface Told {
  readonly pieces: readonly (readonly ['out' | 'err', number])[];
  readonly status: number | null;
}

/** The longest piece of input that goes at a time, bytes. */
export const MAX_PIECE = 1024 * 1024;

const LF = 0x0a;
const ID = /^[0-9A-Z]{26}$/;
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const PLAIN = /^[\x20-\x7e]{0,200}$/;
const VERB = /^[a-z][a-z-]{0,59}$/;
const MOST_ARGUMENTS = 100;
/** A head is a client's line and what is said of it, bytes. */
const LONGEST_HEAD = 64 * 1024;

/** A line of JSON and bytes. */
export function encodeFrame(head: Asked | Told | null, bytes: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes]);
}

/** Reads what a standby asks. Throws `PEER_REFUSED` for anything else. */
export function decodeAsked(frame: Uint8Array): { readonly asked: Asked; readonly bytes: Uint8Array } {
  const { at, bytes } = parted(frame);
  const id = matched(at.text('id'), ID);
  const op = at.text('op');
  switch (op) {
    case 'open': {
      const gitProtocol = at.textOrNull('gitProtocol');
      if (gitProtocol !== null) matched(gitProtocol, PLAIN);
      const who = { fingerprint: matched(at.text('fingerprint'), FINGERPRINT), remote: matched(at.text('remote'), PLAIN) };
      const asked: Asked = { op, id, command: commandIn(at), ...who, request: matched(at.text('request'), PLAIN), gitProtocol };
      return { asked, bytes };
    }
    case 'input':
      return { asked: { op, id, seq: at.count('seq'), end: at.count('end') === 1 ? 1 : 0 }, bytes };
    case 'output':
      return { asked: { op, id, seq: at.count('seq') }, bytes };
    case 'leave':
    case 'alive':
      return { asked: { op, id }, bytes };
    default:
      throw bad('it asks for what there is not');
  }
}

/** Reads what a client is to hear. Throws `PEER_REFUSED` for anything else. */
export function decodeTold(frame: Uint8Array): {
  readonly pieces: readonly (readonly ['out' | 'err', Uint8Array])[];
  readonly status: number | null;
} {
  const { at, bytes } = parted(frame);
  let from = 0;
  const pieces = at.list('pieces').map((piece): readonly ['out' | 'err', Uint8Array] => {
    const [kind, length] = Array.isArray(piece) ? (piece as unknown[]) : [];
    if (
      (kind !== 'out' && kind !== 'err') ||
      typeof length !== 'number' ||
      !Number.isSafeInteger(length) ||
      length < 0 ||
      from + length > bytes.length
    )
      throw bad('a piece of no length that there is');
    from += length;
    return [kind, bytes.subarray(from - length, from)];
  });
  return { pieces, status: at.has('status') ? at.count('status') : null };
}

function commandIn(at: Fields): SshCommand {
  const command = at.child('command');
  const path = command.text('path').slice(0, 1000);
  const kind = command.text('kind');
  if (kind === 'git' && command.text('service') === 'git-receive-pack') return { kind, service: 'git-receive-pack', path };
  if (kind === 'intents') return { kind, path };
  if (kind !== 'admin') throw bad('a command that is not handed on');
  const args = command.texts('args');
  if (args.length > MOST_ARGUMENTS) throw bad(`${args.length} arguments`);
  return { kind, path, verb: matched(command.text('verb'), VERB), args };
}

function parted(frame: Uint8Array): { readonly at: Fields; readonly bytes: Uint8Array } {
  const end = frame.indexOf(LF);
  if (end < 0 || end > LONGEST_HEAD) throw bad('it has no head');
  return { at: Fields.parse(frame.subarray(0, end), 'forward'), bytes: frame.subarray(end + 1) };
}

function matched(text: string, pattern: RegExp): string {
  if (pattern.test(text)) return text;
  throw bad(`'${text.slice(0, 40)}' is not what it should be`);
}

const bad = (what: string): KvError =>
  new KvError('PEER_REFUSED', `what a peer has handed on is no command: ${what}`, { details: { reason: 'frame' } });
