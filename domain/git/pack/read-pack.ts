import { KvError } from '../../../ports/error.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import type { GitObject, ObjectType, Oid } from '../../../ports/vocabulary.js';
import { toHex } from '../bytes.js';
import type { ObjectNamer } from '../object.js';
import { oidBytesIn } from '../tree/tree.js';
import { applyDelta, deltaSizes } from './delta.js';
import { OFS_DELTA, PACK_HEADER, REF_DELTA } from './entry.js';
import type { PackNotes } from './pack-notes.js';
import type { Zlib } from './zlib.js';

/** What reading a pack takes. */
export interface PackReading {
  readonly namer: ObjectNamer;
  readonly zlib: Zlib;
  /** Objects that a thin pack may build on. */
  readonly read: (oids: readonly Oid[]) => Promise<readonly (GitObject | null)[]>;
  /** Called before each piece of memory is taken, with its bytes; what it throws ends the reading. */
  readonly hold: (bytes: number) => void;
  readonly maxObjects: number;
  /** Says of what was made by a delta which object it is like. */
  readonly likes?: boolean | undefined;
  /** Hears what kind of pack it is. */
  readonly notes?: PackNotes | undefined;
}

const TYPES: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' };
/** What an object takes besides its body, bytes. */
const AN_OBJECT = 300;
/** Git takes no shorter one, bytes. */
const SHORTEST_DELTA = 4;
/** Bytes that are hashed at a time, and that are read between two turns. */
const A_TURN = 1024 * 1024;

interface Delta {
  readonly offset: number;
  readonly base: Oid | number;
  readonly delta: Uint8Array;
}

/**
 * The objects of a whole pack, deltas made up, in no order. Throws `INPUT_INVALID` for what is no pack, damaged, cut short, or builds on
 * what nobody has; `POLICY_VIOLATION` for more objects than there may be; whatever `hold` throws.
 */
export async function readPack(pack: Uint8Array, parts: PackReading): Promise<NewObject[]> {
  return new PackReader(pack, parts).read();
}

/** Entry by entry: what its base is known of is made at once, the rest when all have been seen. */
class PackReader {
  private readonly byOffset = new Map<number, NewObject>();
  private readonly byOid = new Map<Oid, NewObject>();
  private readonly objects: NewObject[] = [];
  private readonly waiting = new Map<Oid | number, Delta[]>();
  private readonly oidBytes: number;
  /** Bytes since the newest turn. */
  private worked = 0;

  constructor(
    private readonly pack: Uint8Array,
    private readonly parts: PackReading,
  ) {
    this.oidBytes = oidBytesIn(parts.namer.format);
  }

  async read(): Promise<NewObject[]> {
    const { pack, parts, oidBytes } = this;
    const view = new DataView(pack.buffer, pack.byteOffset, pack.length);
    const isPack = pack.length >= PACK_HEADER + oidBytes && view.getUint32(0) === 0x50_41_43_4b;
    if (!isPack || ![2, 3].includes(view.getUint32(4))) throw damaged('is none, or of another version');
    const count = view.getUint32(8);
    if (count > parts.maxObjects)
      throw new KvError('POLICY_VIOLATION', `the pack has ${count} objects, more than the ${parts.maxObjects} that are taken`, {
        hint: 'push less at a time',
      });
    const end = pack.length - oidBytes;
    if ((await this.checksum(end)) !== toHex(pack, end)) throw damaged('has another checksum than it says');
    let at = PACK_HEADER;
    for (let i = 0; i < count; i++) at = await this.entry(at, end);
    if (at !== end) throw damaged('has bytes behind its objects');
    await this.thin();
    if (this.waiting.size > 0) throw damaged('has deltas whose base nobody has');
    return this.objects;
  }

  private async checksum(end: number): Promise<string> {
    const hash = this.parts.namer.hasher.stream(this.parts.namer.format);
    for (let from = 0; from < end; from += A_TURN) {
      hash.update(this.pack.subarray(from, Math.min(end, from + A_TURN)));
      await this.turn(A_TURN);
    }
    return hash.hex();
  }

  private async entry(offset: number, end: number): Promise<number> {
    const { pack, parts } = this;
    let at = offset;
    const next = (): number => {
      if (at >= end) throw damaged('is cut short');
      return pack[at++] as number;
    };
    let byte = next();
    const code = (byte >> 4) & 7;
    let size = byte & 15;
    for (let scale = 16; byte >= 0x80; scale *= 128) {
      byte = next();
      size += (byte & 0x7f) * scale;
      if (size > Number.MAX_SAFE_INTEGER) throw damaged('has an object of no size that there is');
    }
    if (byte === 0 && at > offset + 1) parts.notes?.noteOdd(); // a size has no zeros in front
    let base: Oid | number | null = null;
    if (code === OFS_DELTA) {
      byte = next();
      let distance = byte & 0x7f;
      while (byte >= 0x80) {
        byte = next();
        distance = (distance + 1) * 128 + (byte & 0x7f);
      }
      base = offset - distance;
      if (distance === 0 || !(base >= PACK_HEADER)) throw damaged('has a delta whose base lies outside');
    } else if (code === REF_DELTA) {
      if (at + this.oidBytes > end) throw damaged('is cut short');
      base = toHex(pack, at, at + this.oidBytes);
      parts.notes?.noteOdd(); // whose base may be anywhere
      at += this.oidBytes;
    }
    const type = TYPES[code];
    if (type === undefined && base === null) throw damaged('has an object of an unknown type');
    parts.hold(size + AN_OBJECT);
    const inflating = parts.zlib.inflate(pack.subarray(0, end), at, size);
    const { body, end: behind } = 'then' in inflating ? await inflating : inflating;
    if (base === null && type !== undefined) await this.found(offset, type, body);
    else if (base !== null) {
      if (body.length < SHORTEST_DELTA) parts.notes?.noteOdd();
      await this.delta({ offset, base, delta: body });
    }
    await this.turn(size + 1000);
    return behind;
  }

  private async delta(delta: Delta): Promise<void> {
    const base = typeof delta.base === 'number' ? this.byOffset.get(delta.base) : this.byOid.get(delta.base);
    if (base !== undefined) return this.release(delta.offset, await this.apply(base, delta));
    const others = this.waiting.get(delta.base);
    if (others === undefined) this.waiting.set(delta.base, [delta]);
    else others.push(delta);
  }

  private async found(offset: number, type: ObjectType, body: Uint8Array): Promise<void> {
    const object = this.parts.namer.object(type, body);
    this.keep(offset, object);
    await this.release(offset, object);
  }

  private async apply(base: GitObject, { offset, delta }: Delta): Promise<NewObject> {
    const { result } = deltaSizes(delta);
    this.parts.hold(result + AN_OBJECT);
    await this.turn(result);
    const made = this.parts.namer.object(base.type, applyDelta(base.body, delta));
    this.parts.notes?.noteDelta(made.oid, base.oid);
    const object = this.parts.likes === true ? { ...made, like: base.oid } : made;
    this.keep(offset, object);
    return object;
  }

  private keep(offset: number, object: NewObject): void {
    this.byOffset.set(offset, object);
    this.byOid.set(object.oid, object);
    this.objects.push(object);
  }

  /** An object is there: so are those that were waiting for it, and those that wait for these. */
  private async release(offset: number | null, object: GitObject): Promise<void> {
    if (this.waiting.size === 0) return;
    const open: [offset: number | null, object: GitObject][] = [[offset, object]];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      const [at, base] = one;
      for (const name of at === null ? [base.oid] : [at, base.oid]) {
        const deltas = this.waiting.get(name) ?? [];
        this.waiting.delete(name);
        for (const delta of deltas) open.push([delta.offset, await this.apply(base, delta)]);
      }
    }
  }

  /** Bases that the receiver has. */
  private async thin(): Promise<void> {
    const named = [...this.waiting.keys()].filter((base) => typeof base === 'string');
    for (let from = 0; from < named.length; from += 64) {
      const some = named.slice(from, from + 64);
      for (const base of await this.parts.read(some)) if (base !== null) await this.release(null, base);
    }
  }

  private async turn(bytes: number): Promise<void> {
    this.worked += bytes;
    if (this.worked < A_TURN) return;
    this.worked = 0;
    await this.parts.zlib.turn();
  }
}

const damaged = (what: string): KvError => new KvError('INPUT_INVALID', `the pack ${what}`);
