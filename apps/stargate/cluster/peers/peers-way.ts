import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isObject } from '../../../../domain/admin/fields.js';
import { KvError } from '../../../../ports/error.js';
import { readKept, writeKept } from '../../repository/kept-file.js';

/** How the servers of a root are spoken to that no profile names: what operators of the same host need, and no secret. */
export interface PeersWay {
  readonly cluster: string;
  /** The address of each server, as far as it was found; first the one that has noted it. */
  readonly servers: Readonly<Record<string, string>>;
  readonly trusted: readonly string[];
  /** The file of the servers' keys, or of a certificate. */
  readonly keyFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly certKey?: string;
}

const fileIn = (root: string): string => join(root, '.stargate', 'peers-way.json');

/** Notes the way, for `git-kv-stargate cluster`. Throws `IO_ERROR`, `STORAGE_FULL`. */
export async function writeWay(root: string, way: PeersWay): Promise<void> {
  await mkdir(dirname(fileIn(root)), { recursive: true, mode: 0o700 });
  await writeKept(fileIn(root), `${JSON.stringify({ v: 1, ...way })}\n`);
}

/** The way that a server has noted; null where none has. Throws `FORMAT_UNSUPPORTED` for what this version does not know. */
export async function readWay(root: string): Promise<PeersWay | null> {
  const text = await readKept(fileIn(root));
  if (text === null) return null;
  const way = parsed(text);
  if (way !== null) return way;
  throw new KvError('FORMAT_UNSUPPORTED', `${fileIn(root)} says nothing that this version knows`, {
    hint: 'a later version has written it: run that one, or start the server anew',
  });
}

function parsed(text: string): PeersWay | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // what is no JSON has no version either
  }
  if (!isObject(value) || value['v'] !== 1) return null;
  const { cluster, servers, trusted } = value;
  if (typeof cluster !== 'string' || !isObject(servers) || !Array.isArray(trusted)) return null;
  const addresses = Object.entries(servers).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  const file = (name: string) => (typeof value[name] === 'string' ? { [name]: value[name] } : {});
  return {
    ...{ cluster, servers: Object.fromEntries(addresses), trusted: trusted.filter((one) => typeof one === 'string') },
    ...{ ...file('keyFile'), ...file('ca'), ...file('cert'), ...file('certKey') },
  };
}
