import { KvError } from '../../../ports/error.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { concat, decodeLoose, decodeUtf8, utf8 } from '../bytes.js';
import { PktReader } from '../../../ports/grammar/git-words/pkt-line.js';
import { type TraceContext, traceInOptions } from '../../../ports/grammar/trace-context.js';

/** Bounds on what a client may say and send. */
export interface PushStreamLimits {
  /** Objects in the pack. */
  readonly maxObjects: number;
  /** Ref updates in the command list; and commits in front of it at which the client's history is cut off. */
  readonly maxCommands: number;
  /** Bytes of the command list. */
  readonly maxCommandBytes: number;
  /** Bytes of the whole push. */
  readonly maxBytes: number;
}

/** What a client says before its pack (gitprotocol-pack, "Reference Update Request"). */
interface PushAnnouncement {
  readonly commands: readonly RefUpdate[];
  readonly capabilities: readonly string[];
  readonly atomic: boolean;
  /** The turn that the client claims, in what it calls itself: git passes that on, and takes no other word from it. */
  readonly turn: string | undefined;
  /** Its push options, without those that are longer than anybody's. */
  readonly options: readonly string[];
  /** What the push belongs to; null where it says nothing, or nothing that can be read. */
  readonly trace: TraceContext | null;
}

const TURN_AGENT = /^agent=git-kv-turn\/([0-9a-f]{32})$/;

const PACK_HEADER_BYTES = 12;

/** Push options of one push, and bytes of one that is looked at. */
const MAX_OPTIONS = 32;
const MAX_OPTION_BYTES = 1024;

/** Bytes of a ref's name: what a file system takes, and short enough for every line that will name it. */
const MAX_REF_BYTES = 1000;

/**
 * Reads along with a client's push, up to and with the header of its pack. Changes nothing and holds nothing back; whoever takes the
 * pack in gives a sink for its bytes.
 */
export class PushStream {
  private readonly reader = new PktReader();
  private readonly commands: RefUpdate[] = [];
  private capabilities: readonly string[] = [];
  private shallow = 0;
  private optionCount = 0;
  private state: 'commands' | 'options' | 'header' | 'body' = 'commands';
  private readonly options: string[] = [];
  private header: Uint8Array = new Uint8Array(0);
  private seen = 0;

  constructor(
    private readonly limits: PushStreamLimits,
    private readonly pack: (bytes: Uint8Array) => void = () => undefined,
  ) {}

  /** How many bytes have come. */
  get bytes(): number {
    return this.seen;
  }

  /** The command list, once it has been read to its end. */
  get announcement(): PushAnnouncement | undefined {
    if (this.state === 'commands' || this.state === 'options') return undefined;
    const { commands, capabilities, options } = this;
    const turn = capabilities.map((one) => TURN_AGENT.exec(one)?.[1]).find((token) => token !== undefined);
    return { commands, capabilities, atomic: capabilities.includes('atomic'), turn, options, trace: traceInOptions(options) };
  }

  /** Throws `POLICY_VIOLATION` for a bound that is broken, `INPUT_INVALID` for what is no push. */
  push(chunk: Uint8Array): void {
    this.seen += chunk.length;
    if (this.seen > this.limits.maxBytes) {
      throw new KvError('POLICY_VIOLATION', `the push is larger than ${this.limits.maxBytes} bytes`, {
        hint: 'push the history in smaller steps',
      });
    }
    if (this.state === 'commands' || this.state === 'options') this.readCommands(chunk);
    else {
      if (this.state === 'header') this.readHeader(chunk);
      this.pack(chunk);
    }
  }

  private readCommands(chunk: Uint8Array): void {
    this.reader.push(chunk);
    for (;;) {
      const pkt = nextPkt(this.reader);
      if (pkt === undefined) break;
      if (pkt.kind === 'data') {
        if (this.state === 'commands') this.readLine(pkt.payload);
        else this.readOption(pkt.payload);
        continue;
      }
      if (pkt.kind !== 'flush') throw malformed('a special line inside the command list');
      if (this.state === 'commands' && this.capabilities.includes('push-options')) {
        this.state = 'options';
        continue;
      }
      this.state = this.commands.some((command) => command.next !== null) ? 'header' : 'body';
      const rest = this.reader.rest();
      if (this.state === 'header') this.readHeader(rest);
      if (rest.length > 0) this.pack(rest);
      return;
    }
    if (this.seen > this.limits.maxCommandBytes) {
      throw new KvError('POLICY_VIOLATION', `the push names refs in more than ${this.limits.maxCommandBytes} bytes`, {
        hint: 'push fewer refs at a time',
      });
    }
  }

  private readLine(payload: Uint8Array): void {
    const nul = payload.indexOf(0);
    const line = textOf(payload.subarray(0, nul < 0 ? payload.length : nul)).replace(/\n$/, '');
    if (line.startsWith('shallow ')) {
      this.countShallow();
      return;
    }
    if (nul >= 0)
      this.capabilities = decodeLoose(payload.subarray(nul + 1))
        .trim()
        .split(/\s+/);
    if (line === 'push-cert') {
      throw new KvError('POLICY_VIOLATION', 'signed pushes (push certificates) are not taken', {
        hint: 'sign the commits, not the push: leave --signed out',
      });
    }
    const match = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (refs\/.+)$/.exec(line);
    if (match === null) throw malformed('a line that is no ref update');
    const ref = match[3] as string;
    if (utf8(ref).length > MAX_REF_BYTES) {
      throw new KvError('REF_FORBIDDEN', `ref '${ref.slice(0, 100)}…' has a name of more than ${MAX_REF_BYTES} bytes`, {
        hint: 'push to a ref with a shorter name',
      });
    }
    if (this.commands.length >= this.limits.maxCommands) {
      throw new KvError('POLICY_VIOLATION', `the push moves more than ${this.limits.maxCommands} refs`, {
        hint: 'push fewer refs at a time',
      });
    }
    this.commands.push({ ref, old: oidOrNull(match[1] as string), next: oidOrNull(match[2] as string) });
  }

  /** One is of use here; what else is said is nobody's business. */
  private readOption(payload: Uint8Array): void {
    if (++this.optionCount > MAX_OPTIONS) {
      throw new KvError('POLICY_VIOLATION', `the push has more than ${MAX_OPTIONS} push options`, {
        hint: 'push with fewer options',
      });
    }
    if (payload.length <= MAX_OPTION_BYTES) this.options.push(decodeLoose(payload).replace(/\n$/, ''));
  }

  /** Git asks of each such commit, at some length, which refs it concerns. */
  private countShallow(): void {
    this.shallow += 1;
    if (this.shallow <= this.limits.maxCommands) return;
    const what = `the push comes from a history that is cut off at more than ${this.limits.maxCommands} commits`;
    throw new KvError('POLICY_VIOLATION', what, { hint: 'push from a clone that has the whole history' });
  }

  private readHeader(chunk: Uint8Array): void {
    this.header = concat([this.header, chunk.subarray(0, PACK_HEADER_BYTES - this.header.length)]);
    if (this.header.length < PACK_HEADER_BYTES) return;
    this.state = 'body';
    if (decodeLoose(this.header.subarray(0, 4)) !== 'PACK') throw malformed('no pack after the command list');
    const objects = new DataView(this.header.buffer, this.header.byteOffset).getUint32(8);
    if (objects > this.limits.maxObjects) {
      throw tooManyObjects(objects, this.limits.maxObjects);
    }
  }
}

/** `POLICY_VIOLATION` for a push with more objects than `stargate.max_push_objects` of the policy allows. */
export function tooManyObjects(objects: number, allowed: number): KvError {
  return new KvError(
    'POLICY_VIOLATION',
    `the push has ${objects} objects, more than the ${allowed} that max_push_objects of the policy allows`,
    {
      hint: 'push less at a time: fewer keys in a transaction, or less history; an import without a batch of its own is split by itself',
      details: { objects, max_push_objects: allowed },
    },
  );
}

function nextPkt(reader: PktReader): ReturnType<PktReader['next']> {
  try {
    return reader.next();
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

/** Names must survive the way through text: a byte that is no UTF-8 would come out as another name. */
function textOf(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text !== undefined) return text;
  const shown = String.fromCharCode(...bytes.subarray(0, 200)).replace(/[^ -~]/g, '?');
  throw new KvError('REF_FORBIDDEN', `the push names a ref that is not UTF-8: ${shown}`, {
    hint: 'rename the ref to a name in UTF-8',
  });
}

/** A name of only zeros stands for "does not exist". */
export function oidOrNull(oid: string): string | null {
  return /^0+$/.test(oid) ? null : oid;
}

function malformed(what: string): KvError {
  return new KvError('INPUT_INVALID', `malformed push: ${what}`, { hint: 'push with a current git' });
}
