import { encodePkt, FLUSH_PKT, type Pkt, PktReader, pktText } from '../../../../ports/grammar/git-words/pkt-line.js';
import type { ObjectFormat, Oid, RefName, RefUpdate } from '../../../../ports/vocabulary.js';
import { OID_HEX_LENGTH } from '../../../../ports/vocabulary.js';
import { TURNS_CAPABILITY } from '../../../../ports/grammar/turns-capability.js';
import type { ShownToPush } from '../../../../ports/git/git-remote.js';
import type { PktChannel } from './pkt-channel.js';

/** What a receive-pack says first (gitprotocol-pack, "Reference Discovery"). */
export interface Greeting {
  readonly refs: ReadonlyMap<RefName, Oid>;
  readonly capabilities: readonly string[];
}

/** What a greeting shows to who is about to push. */
export function shownIn({ refs, capabilities }: Greeting): ShownToPush {
  const turns = capabilities.find((one) => one.startsWith(TURNS_CAPABILITY))?.slice(TURNS_CAPABILITY.length) ?? '';
  return { refs, turns: new Set(turns.split(',')) };
}

/** Reads the greeting; null when the other side ends before it is whole, or speaks another protocol. */
export async function readGreeting(channel: PktChannel): Promise<Greeting | null> {
  const refs = new Map<RefName, Oid>();
  let capabilities: readonly string[] | null = null;
  for (;;) {
    const pkt = await channel.next();
    if (pkt === null) return null;
    if (pkt.kind !== 'data') return pkt.kind === 'flush' && capabilities !== null ? { refs, capabilities } : null;
    const [line = '', said] = pktText(pkt.payload).split('\0');
    const [, oid, name] = /^([0-9a-f]{40,64}) (\S+)$/.exec(line) ?? [];
    if (oid === undefined || name === undefined) return null;
    capabilities ??= (said ?? '').trim().split(' ');
    if (name !== 'capabilities^{}' && name !== '.have') refs.set(name, oid);
  }
}

/** How the commands are to be carried out. */
interface CommandOptions {
  readonly format: ObjectFormat;
  readonly atomic: boolean;
  readonly quiet: boolean;
  readonly turn: string | undefined;
  /** Push options, for a side that takes them. */
  readonly options: readonly string[];
}

/** What a client calls itself. A turn is named there: git passes it on, and takes no other word that it doesn't know. */
export function agentOf(turn: string | undefined): string {
  return turn === undefined ? 'git-kv' : `git-kv-turn/${turn}`;
}

/** The commands of a push, framed, up to the pack; `quiet` has the other side leave out its progress. */
export function commandList(updates: readonly RefUpdate[], { format, atomic, quiet, turn, options }: CommandOptions): Uint8Array {
  const none = '0'.repeat(OID_HEX_LENGTH[format]);
  const wanted = ['report-status', 'side-band-64k', `object-format=${format}`, `agent=${agentOf(turn)}`];
  const capabilities = [
    ...wanted,
    ...(atomic ? ['atomic'] : []),
    ...(quiet ? ['quiet'] : []),
    ...(options.length > 0 ? ['push-options'] : []),
  ].join(' ');
  const lines = updates.map(({ ref, old, next }, i) =>
    encodePkt(`${old ?? none} ${next ?? none} ${ref}${i === 0 ? `\0${capabilities}` : ''}`),
  );
  const said = options.length > 0 ? [...options.map((option) => encodePkt(option)), FLUSH_PKT] : [];
  return Buffer.concat([...lines, FLUSH_PKT, ...said]);
}

/** What became of a push. */
export interface Report {
  /** `ok`, or why the pack was not taken. */
  readonly unpack: string;
  /** Why a ref was not moved; null: it was. */
  readonly refs: ReadonlyMap<RefName, string | null>;
}

/** Reads the report out of band 1, and gives what comes in the others to `say`. Null when the other side ends before it is whole. */
export async function readReport(channel: PktChannel, say: (text: string) => void): Promise<Report | null> {
  const inner = new PktReader();
  const decoder = new TextDecoder();
  const refs = new Map<RefName, string | null>();
  let unpack: string | null = null;
  for (;;) {
    const pkt = await channel.next();
    if (pkt === null || pkt.kind !== 'data') return null;
    const [band] = pkt.payload;
    if (band !== 1) {
      say(decoder.decode(pkt.payload.subarray(1), { stream: true }));
      if (band === 3) return null;
      continue;
    }
    inner.push(pkt.payload.subarray(1));
    for (let line = nextLine(inner); line !== undefined; line = nextLine(inner)) {
      if (line === null) return null;
      if (line.kind !== 'data') return unpack === null ? null : { unpack, refs };
      const text = pktText(line.payload);
      const [, ref = '', why] = /^(?:ok|ng) (\S+)(?: (.*))?$/.exec(text) ?? [];
      if (text.startsWith('unpack ')) unpack = text.slice('unpack '.length);
      else if (text.startsWith('ok ')) refs.set(ref, null);
      else if (text.startsWith('ng ')) refs.set(ref, why ?? 'failed');
    }
  }
}

/** Null for what is no line: what reports there is no git. */
function nextLine(reader: PktReader): Pkt | null | undefined {
  try {
    return reader.next();
  } catch {
    return null; // the length is none, and where the next line begins nobody knows
  }
}
