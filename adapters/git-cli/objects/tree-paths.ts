import { KvError } from '../../../ports/error.js';
import { type GitObject, type ObjectFormat, OID_HEX_LENGTH, type Oid } from '../../../ports/vocabulary.js';

type Read = (oids: readonly Oid[]) => Promise<(GitObject | null)[]>;

const SUBMODULE = '160000';
const TREE = '40000';

interface Entry {
  readonly oid: Oid;
  readonly isTree: boolean;
}

/**
 * The ids at paths below a commit or tree, told from the trees alone, a level of them in one read; null where there is none.
 * `git cat-file` says `missing` both of a path that isn't there and of one whose blob isn't.
 */
export async function idsAtPaths(root: Oid, paths: readonly string[], format: ObjectFormat, read: Read): Promise<(Oid | null)[]> {
  const top = await topTree(root, read);
  const found: (Oid | null)[] = paths.map(() => top);
  const names = paths.map((path) => (path === '' ? [] : path.split('/')));
  for (let depth = 0; ; depth++) {
    const open = paths.flatMap((_, i) => (found[i] !== null && depth < (names[i] as string[]).length ? [i] : []));
    if (open.length === 0) return found;
    const trees = [...new Set(open.map((i) => found[i] as Oid))];
    const objects = await read(trees);
    const entries = new Map(trees.map((oid, i) => [oid, entriesOf(objects[i] ?? null, OID_HEX_LENGTH[format] / 2)]));
    for (const i of open) {
      const path = names[i] as string[];
      const entry = entries.get(found[i] as Oid)?.get(path[depth] as string);
      const usable = entry !== undefined && (entry.isTree || depth === path.length - 1); // a file has nothing below it
      found[i] = usable ? entry.oid : null;
    }
  }
}

async function topTree(root: Oid, read: Read): Promise<Oid | null> {
  const [object] = await read([root]);
  if (object?.type !== 'commit') return object?.type === 'tree' ? root : null;
  return /^tree ([0-9a-f]+)\n/.exec(Buffer.from(object.body.subarray(0, 80)).toString('latin1'))?.[1] ?? null;
}

function entriesOf(object: GitObject | null, oidBytes: number): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  if (object?.type !== 'tree') return entries;
  const body = Buffer.from(object.body.buffer, object.body.byteOffset, object.body.byteLength);
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const nul = body.indexOf(0, space);
    const next = nul + 1 + oidBytes;
    if (space < 0 || nul < 0 || next > body.length) throw new KvError('GIT_ERROR', `tree ${object.oid} is malformed`);
    const mode = body.toString('latin1', at, space);
    if (mode !== SUBMODULE)
      entries.set(body.toString('utf8', space + 1, nul), { oid: body.toString('hex', nul + 1, next), isTree: mode === TREE });
    at = next;
  }
  return entries;
}
