import { fetched } from './fetched.js';

/** What of it a commit takes. */
interface IsomorphicGit {
  init(options: object): Promise<void>;
  add(options: object): Promise<void>;
  commit(options: object): Promise<string>;
}

/** isomorphic-git, which is measured beside ours; null where it can't be fetched. */
export const isomorphicGit = (): IsomorphicGit | null => fetched<IsomorphicGit>('isomorphic-git', '1.44.17');

/** An error as Node's file system gives it. */
function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

interface Node {
  readonly body: Uint8Array | null;
  readonly names: Set<string>;
  readonly at: number;
  readonly number: number;
}

/** A file system in memory, as much of one as the library asks for: two Maps' worth of work a call, so that the library is what is measured. */
export class MemoryFiles {
  private readonly nodes = new Map<string, Node>();
  private count = 0;
  /** What the library looks for. */
  readonly promises = this;

  constructor() {
    this.put('', null);
  }

  readonly mkdir = async (path: string): Promise<void> => {
    const at = trimmed(path);
    if (this.nodes.has(at)) throw fault('EEXIST', path);
    this.put(at, null);
  };

  readonly writeFile = async (path: string, content: Uint8Array | string): Promise<void> => {
    this.put(trimmed(path), typeof content === 'string' ? Buffer.from(content) : content);
  };

  readonly readFile = async (path: string, options?: { readonly encoding?: BufferEncoding } | BufferEncoding) => {
    const { body } = this.find(path);
    if (body === null) throw fault('EISDIR', path);
    const encoding = typeof options === 'string' ? options : options?.encoding;
    return encoding === undefined ? Buffer.from(body) : Buffer.from(body).toString(encoding);
  };

  readonly readdir = async (path: string): Promise<string[]> => {
    const { body, names } = this.find(path);
    if (body !== null) throw fault('ENOTDIR', path);
    return [...names];
  };

  readonly stat = async (path: string): Promise<object> => {
    const { body, at, number } = this.find(path);
    const is = (kind: boolean) => () => kind;
    const kinds = { isFile: is(body !== null), isDirectory: is(body === null), isSymbolicLink: is(false) };
    const times = { ctimeMs: at, mtimeMs: at, ctime: new Date(at), mtime: new Date(at) };
    return {
      ...kinds,
      ...times,
      size: body?.length ?? 0,
      mode: body === null ? 0o40_755 : 0o100_644,
      ino: number,
      dev: 1,
      uid: 1,
      gid: 1,
    };
  };

  readonly lstat = this.stat;

  readonly unlink = async (path: string): Promise<void> => {
    this.find(path);
    this.nodes.delete(trimmed(path));
    this.nodes.get(folderOf(trimmed(path)))?.names.delete(nameOf(path));
  };

  readonly rmdir = this.unlink;

  readonly readlink = async (path: string): Promise<never> => {
    throw fault('EINVAL', path);
  };

  readonly symlink = async (_target: string, path: string): Promise<never> => {
    throw fault('EPERM', path);
  };

  readonly chmod = async (): Promise<void> => undefined;

  private find(path: string): Node {
    const node = this.nodes.get(trimmed(path));
    if (node === undefined) throw fault('ENOENT', path);
    return node;
  }

  private put(at: string, body: Uint8Array | null): void {
    const folder = at === '' ? undefined : this.nodes.get(folderOf(at));
    if (at !== '' && folder === undefined) throw fault('ENOENT', at);
    folder?.names.add(nameOf(at));
    this.nodes.set(at, { body, names: this.nodes.get(at)?.names ?? new Set(), at: Date.now(), number: ++this.count });
  }
}

const trimmed = (path: string): string =>
  path
    .replace(/^\/+|\/+$|\/\.(?=\/|$)/g, '')
    .replace(/\/+/g, '/')
    .replace(/^\.$/, '');
const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
