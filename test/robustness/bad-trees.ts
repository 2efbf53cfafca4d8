import { EMPTY_TREES } from '../../domain/git/tree/tree-shape.js';
import { MODE_DIR, MODE_FILE, oidBytesIn } from '../../domain/git/tree/tree.js';
import { chunkDirs } from '../../domain/ledger/value/manifest.js';
import type { Oid } from '../../ports/vocabulary.js';
import type { Ran } from '../support/programs/processes.js';
import type { Attack } from './attack.js';
import type { Forger } from './forger.js';

/** The tree without entries, written where the forger keeps its objects. */
export const emptyTree = async (forge: Forger): Promise<Oid> => {
  const tree = await forge.tree([]);
  if (tree !== EMPTY_TREES[oidBytesIn(forge.store.objectFormat)]) throw new Error('the empty tree has another id');
  return tree;
};

const hex = (at: number): string => at.toString(16).padStart(2, '0');

/** A directory of so many levels, each of which has the one below it under `names` names, and `leaf` at the bottom. */
export async function bomb(forge: Forger, levels: number, leaf: Oid, names = 256): Promise<Oid> {
  let tree = leaf;
  for (let level = 0; level < levels; level++) {
    const below = tree;
    tree = await forge.tree(Array.from({ length: names }, (_, at) => ({ mode: MODE_DIR, name: hex(at), oid: below })));
  }
  return tree;
}

/** A directory with one file. */
async function oneFile(forge: Forger): Promise<Oid> {
  const blob = forge.namer.object('blob', new Uint8Array(0));
  await forge.store.write([blob]);
  return forge.tree([{ mode: MODE_FILE, name: 'x', oid: blob.oid }]);
}

/** A transaction that is sound but for a directory of its ledger's tree. */
const directory =
  (path: string, tree: (forge: Forger) => Promise<Oid>) =>
  async (forge: Forger): Promise<Ran> =>
    forge.send(await forge.forge({ plant: [{ path, tree: await tree(forge) }] }));

/** Files below a directory, where a key of this name lies. */
const within =
  (names: readonly string[]) =>
  async (forge: Forger): Promise<Oid> => {
    let tree = await emptyTree(forge);
    for (const name of [...names].reverse()) tree = await forge.tree([{ mode: MODE_DIR, name, oid: tree }]);
    return tree;
  };

/** Directories that have no place in a ledger: each says nothing to any reader, and some would cost a gateway its memory. */
export const TREE_ATTACKS: readonly Attack[] = [
  {
    name: 'an empty directory beside the data',
    code: 'POLICY_VIOLATION',
    says: 'is a directory that has no place there',
    byFormat: true,
    run: directory('kv/main/notes', emptyTree),
  },
  {
    name: 'an empty directory in the root',
    code: 'POLICY_VIOLATION',
    says: 'is a directory that has no place there',
    run: directory('README', emptyTree),
  },
  {
    name: 'a directory whose name steers the terminal',
    code: 'POLICY_VIOLATION',
    says: String.raw`"kv/main/data/\u001b[2J" is a directory`,
    run: directory('kv/main/data/\u001b[2J', emptyTree),
  },
  {
    name: 'an empty directory where keys could lie',
    code: 'POLICY_VIOLATION',
    says: 'is an empty directory',
    byFormat: true,
    run: directory('kv/main/data/00', emptyTree),
  },
  {
    name: 'empty directories deep below one that has a place',
    code: 'POLICY_VIOLATION',
    says: '"kv/main/meta/00/00" is an empty directory',
    run: directory('kv/main/meta/00', within(['00'])),
  },
  {
    name: 'directories below where the keys lie',
    code: 'POLICY_VIOLATION',
    says: 'is a directory that has no place there',
    run: directory('kv/main/data/00', within(['00', '00'])),
  },
  {
    name: 'a directory of a million directories, all one and the same',
    code: 'POLICY_VIOLATION',
    says: 'is a directory that has no place there',
    run: directory('kv/main/bomb', async (forge) => bomb(forge, 3, await emptyTree(forge), 100)),
  },
  {
    name: 'files where keys could lie, in directories that are one and the same',
    code: 'POLICY_VIOLATION',
    says: 'is the same directory as another one',
    run: directory('kv/main/data/00', async (forge) => bomb(forge, 1, await oneFile(forge))),
  },
  {
    name: 'a file name of a megabyte',
    code: 'POLICY_VIOLATION',
    says: 'has a name that is longer than that of any key',
    run: async (forge) => forge.send(await forge.forge({ plant: [{ path: `kv/main/data/${'a'.repeat(2 ** 20)}` }] })),
  },
  {
    name: 'a directory name of a megabyte',
    code: 'POLICY_VIOLATION',
    says: 'has a name that is longer than that of any key',
    run: directory(`kv/main/data/${'b'.repeat(2 ** 20)}`, emptyTree),
  },
];

/** The directories of a chunks tree that have no place there, by their paths. */
export const CHUNK_DIRECTORIES: readonly (readonly [string, string])[] = [
  ['kv/main/chunks/md5', 'is a directory that has no place there'],
  [chunkDirs('main', '00'.repeat(32)).join('/'), 'is an empty directory'],
];
