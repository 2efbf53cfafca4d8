import {
  type GitObject,
  type GitStore,
  KvError,
  type ObjectExchange,
  objectLinks,
  type ObjectType,
  type Oid,
} from '../../ports/index.js';

const TYPES: readonly ObjectType[] = ['commit', 'tree', 'blob', 'tag'];
/** A letter for the type, the length of the name, the length of the body. */
const HEAD = 6;

/** Objects one after another, as they are: both sides are in one process. */
export function memoryExchange(store: GitStore): ObjectExchange {
  /** Everything that some objects reach, but for what is known already. */
  async function* reached(from: readonly Oid[], known: Set<Oid>): AsyncIterable<GitObject> {
    let open = [...new Set(from)].filter((oid) => !known.has(oid));
    while (open.length > 0) {
      for (const oid of open) known.add(oid);
      const next = new Set<Oid>();
      for (const [at, object] of (await store.read(open)).entries()) {
        if (object === null) throw new KvError('GIT_ERROR', `object ${open[at] ?? ''} is not here`);
        yield object;
        for (const oid of objectLinks(object, store.objectFormat)) if (!known.has(oid)) next.add(oid);
      }
      open = [...next];
    }
  }
  return {
    async *send(want, have) {
      const known = new Set<Oid>();
      for await (const { oid } of reached(have, known)) known.add(oid);
      for await (const object of reached(want, known)) yield encode(object);
    },

    async receive(bytes) {
      const pieces: Uint8Array[] = [];
      for await (const piece of bytes) pieces.push(piece);
      const objects = decode(Buffer.concat(pieces));
      const here = new Set(objects.map(({ oid }) => oid));
      const linked = [...new Set(objects.flatMap((object) => objectLinks(object, store.objectFormat)))].filter(
        (oid) => !here.has(oid),
      );
      const missing = (await store.headers(linked)).indexOf(null);
      if (missing >= 0) throw new KvError('GIT_ERROR', `objects build on ${linked[missing] ?? ''}, which is not here`);
      await store.write(objects);
    },
  };
}

function encode({ type, oid, body }: GitObject): Buffer {
  const head = Buffer.alloc(HEAD);
  head[0] = TYPES.indexOf(type);
  head[1] = oid.length;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, Buffer.from(oid), body]);
}

function decode(bytes: Buffer): GitObject[] {
  const objects: GitObject[] = [];
  for (let at = 0; at < bytes.length; ) {
    const type = TYPES[bytes[at] ?? TYPES.length];
    if (type === undefined || at + HEAD > bytes.length) throw damaged();
    const body = at + HEAD + (bytes[at + 1] ?? 0);
    const end = body + bytes.readUInt32BE(at + 2);
    if (end > bytes.length) throw damaged();
    objects.push({ type, oid: bytes.toString('latin1', at + HEAD, body), body: Uint8Array.from(bytes.subarray(body, end)) });
    at = end;
  }
  return objects;
}

const damaged = (): KvError => new KvError('GIT_ERROR', 'objects of another server are damaged');
