import { KvError } from '../../../ports/error.js';
import { type Pkt, PktReader, pktText } from '../../../ports/grammar/git-words/pkt-line.js';
import { type ObjectFilter, readFilter } from './object-filter.js';
import { isOid, type ObjectFormat, type Oid } from '../../../ports/vocabulary.js';

/** How much of the history a client wants. */
export interface Deepen {
  /** Commits of each history; null for no such bound. */
  readonly depth: number | null;
  /** The depth counts from where the client's history ends. */
  readonly relative: boolean;
  /** Only what was committed then or later, seconds. */
  readonly since: number | null;
  /** Only what these refs don't reach. */
  readonly not: readonly string[];
}

/** What a client asks of upload-pack, in either protocol. */
export interface FetchRequest {
  readonly wants: readonly Oid[];
  readonly haves: readonly Oid[];
  readonly shallow: readonly Oid[];
  readonly deepen: Deepen | null;
  /** What is not to be sent; null for nothing. */
  readonly filter: ObjectFilter | null;
  readonly capabilities: ReadonlySet<string>;
  /** The client has told of all that it has. */
  readonly done: boolean;
  /** Of protocol v0: the client waits for the answer to what it has told so far, and not only for where its history is to end. */
  readonly asks: boolean;
}

/** A request of protocol v2 for refs. */
export interface RefsRequest {
  readonly prefixes: readonly string[];
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
}

/** A request of protocol v2. */
export type Request =
  | { readonly command: 'ls-refs'; readonly refs: RefsRequest }
  | { readonly command: 'fetch'; readonly fetch: FetchRequest };

/** The depth that stands for no bound (git's INFINITE_DEPTH). */
export const WHOLE = 0x7fff_ffff;

const MAX_LINES = 1_000_000;

/** Reads a request of protocol v0 (gitprotocol-pack, "Packfile Negotiation"); null for an empty one. Throws `INPUT_INVALID`. */
export function readFetchV0(bytes: Uint8Array, format: ObjectFormat): FetchRequest | null {
  const draft = new Draft(format);
  let [first, listed, asks] = [true, false, false];
  for (const pkt of pktsOf(bytes)) {
    asks ||= listed;
    if (pkt.kind === 'flush') {
      if (listed) break; // a client that keeps no connection waits here
      listed = true;
      continue;
    }
    if (pkt.kind !== 'data') throw malformed('a line that protocol v0 has not');
    let text = pktText(pkt.payload);
    if (first && text.startsWith('want ')) {
      const space = text.indexOf(' ', 5);
      if (space > 0) for (const capability of text.slice(space + 1).split(' ')) draft.capabilities.add(capability);
      text = space > 0 ? text.slice(0, space) : text;
      first = false;
    }
    draft.line(text);
  }
  return draft.wants.length === 0 ? null : draft.request(asks);
}

/** Reads a request of protocol v2 (gitprotocol-v2); null for an empty one. Throws `INPUT_INVALID`. */
export function readRequestV2(bytes: Uint8Array, format: ObjectFormat): Request | null {
  const [named, ...others] = [...pktsOf(bytes)];
  if (named === undefined || named.kind === 'flush') return null;
  const command = named.kind === 'data' ? pktText(named.payload) : '';
  const delim = others.findIndex(({ kind }) => kind !== 'data');
  const capabilities = others.slice(0, delim < 0 ? others.length : delim).map(textOf);
  const rest = delim >= 0 && others[delim]?.kind === 'delim' ? others.slice(delim + 1) : [];
  const end = rest.findIndex(({ kind }) => kind === 'flush');
  const lines = rest.slice(0, end < 0 ? rest.length : end).map(textOf);
  const theirs = capabilities.find((each) => each.startsWith('object-format='))?.slice('object-format='.length) ?? 'sha1';
  if (theirs !== format) throw malformed(`ids of ${theirs.slice(0, 20)}, where this repository has those of ${format}`);
  if (command === 'command=ls-refs') {
    const prefixes = lines.filter((line) => line.startsWith('ref-prefix ')).map((line) => line.slice('ref-prefix '.length));
    const has = (word: string): boolean => lines.includes(word);
    return { command: 'ls-refs', refs: { prefixes, peel: has('peel'), symrefs: has('symrefs'), unborn: has('unborn') } };
  }
  if (command !== 'command=fetch') throw malformed('a command that is not known');
  const draft = new Draft(format);
  for (const line of lines) draft.line(line);
  return { command: 'fetch', fetch: draft.request(true) };
}

/** Collects what the lines of both protocols say. */
class Draft {
  readonly wants: Oid[] = [];
  readonly haves: Oid[] = [];
  readonly capabilities = new Set<string>();
  isDone = false;
  private filter: ObjectFilter | null = null;
  private readonly shallow: Oid[] = [];
  private deepen: { depth: number | null; relative: boolean; since: number | null; not: string[] } | null = null;

  constructor(private readonly format: ObjectFormat) {}

  line(text: string): void {
    const space = text.indexOf(' ');
    const [word, rest] = space < 0 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
    if (word === 'want') this.wants.push(this.oid(rest));
    else if (word === 'have') this.haves.push(this.oid(rest));
    else if (word === 'shallow') this.shallow.push(this.oid(rest));
    else if (word === 'done') this.isDone = true;
    else if (word === 'deepen') this.bound().depth = count(rest);
    else if (word === 'deepen-since') this.bound().since = count(rest);
    else if (word === 'deepen-not') this.bound().not.push(rest);
    else if (word === 'filter' && rest !== '') this.filter = readFilter(rest);
    else if (word === 'deepen-relative') this.bound().relative = true;
    else if (rest === '') this.capabilities.add(word);
    else throw malformed(`a line that begins with '${word.slice(0, 20).replace(/[^a-z-]/g, '?')}'`);
  }

  request(asks: boolean): FetchRequest {
    const { wants, haves, shallow, capabilities, isDone: done, deepen, filter } = this;
    if (capabilities.has('deepen-relative') && deepen !== null) deepen.relative = true; // as protocol v0 says it
    const bounded = deepen !== null && (deepen.depth !== null || deepen.since !== null || deepen.not.length > 0);
    return { wants: [...new Set(wants)], haves, shallow, deepen: bounded ? deepen : null, filter, capabilities, done, asks };
  }

  private bound(): NonNullable<Draft['deepen']> {
    this.deepen ??= { depth: null, relative: false, since: null, not: [] };
    return this.deepen;
  }

  private oid(text: string): Oid {
    if (isOid(text, this.format)) return text;
    throw malformed('an id that is none');
  }
}

function* pktsOf(bytes: Uint8Array): Generator<Pkt> {
  const reader = new PktReader();
  reader.push(bytes);
  try {
    let lines = 0;
    for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next()) {
      if (++lines > MAX_LINES) throw malformed('more lines than there may be');
      yield pkt;
    }
  } catch (error) {
    if (error instanceof RangeError) throw malformed(error.message);
    throw error;
  }
  if (reader.rest().length > 0) throw malformed('a last line that is cut short');
}

function textOf(pkt: Pkt): string {
  if (pkt.kind !== 'data') throw malformed('a special line in the middle');
  return pktText(pkt.payload);
}

function count(text: string): number {
  const number = Number(text);
  if (!/^\d{1,12}$/.test(text) || number < 1) throw malformed('a depth that is none');
  return number;
}

const malformed = (what: string): KvError => new KvError('INPUT_INVALID', `malformed request: ${what}`);
