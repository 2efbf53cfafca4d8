import { type Static, Type } from 'typebox';
import type { CommitInfo, FileContent, ListedEntry, MergeConflict, PathChange, Person } from '../../../domain/repo/types.js';
import type { Holder } from '../auth/logins.js';
import { ApiError } from '../problems/errors.js';
import { TextOrNull } from './common.js';

/** A commit as clients see it. */
export const CommitShape = Type.Object({
  ...{ hash: Type.String(), message: Type.String(), author: Type.String(), email: Type.String() },
  ...{ timestamp: Type.String(), parent: TextOrNull, parents: Type.Array(Type.String()) },
});

/** Gives one. */
export function commitShape({ oid, message, author, parents }: CommitInfo): Static<typeof CommitShape> {
  const { name, email, time } = author;
  return {
    ...{ hash: oid, message: message.replace(/\n$/, ''), author: name, email },
    ...{ timestamp: iso(time), parent: parents[0] ?? null, parents: [...parents] },
  };
}

/** Commits of a history. */
export const LogShape = Type.Object({ commits: Type.Array(CommitShape), total: Type.Integer() });

/** A file with its content. */
export const FileShape = Type.Object({
  ...{ path: Type.String(), content: Type.String() },
  ...{ encoding: Type.Union([Type.Literal('utf-8'), Type.Literal('base64')]), size: Type.Integer() },
});

/** Gives one: text where it is UTF-8, else base64. */
export function fileShape({ path, content }: FileContent): Static<typeof FileShape> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const text = content.includes(0) ? null : utf8(bytes);
  return text === null
    ? { path, content: bytes.toString('base64'), encoding: 'base64', size: bytes.length }
    : { path, content: text, encoding: 'utf-8', size: bytes.length };
}

/** An entry of a directory. */
const EntryShape = Type.Object({
  ...{ name: Type.String(), path: Type.String(), type: Type.Union([Type.Literal('file'), Type.Literal('dir')]) },
  ...{ size: Type.Integer(), mode: Type.String() },
});

/** A directory. */
export const TreeShape = Type.Object({ path: Type.String(), entries: Type.Array(EntryShape), total: Type.Integer() });

/** Gives an entry: a link or a commit of another repository is told by its mode. */
export function entryShape({ name, path, type, size, mode }: ListedEntry): Static<typeof EntryShape> {
  return { name, path, type: type === 'dir' ? 'dir' : 'file', size, mode };
}

/** How a path differs. */
export const ChangeShape = Type.Object({ path: Type.String(), status: Type.String() });

/** Gives one. */
export function changeShape({ path, status }: PathChange): Static<typeof ChangeShape> {
  return { path, status };
}

/** The bytes that a body gives. Throws `INVALID_REQUEST` for base64 that is none. */
export function bytesOf(content: string, encoding: 'utf-8' | 'base64' = 'utf-8'): Uint8Array | string {
  if (encoding === 'utf-8') return content;
  if (content.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(content))
    throw new ApiError(400, 'INVALID_REQUEST', 'the content is no base64');
  return Buffer.from(content, 'base64');
}

/** Who a commit is by: whom the body names, or else who sends it. */
export function authorOf(
  holder: Holder | null,
  { author, email }: { readonly author?: string | { readonly name: string; readonly email: string }; readonly email?: string },
): Person {
  if (typeof author === 'object') return author;
  const own = { name: holder?.name ?? 'anonymous', email: holder?.user?.email ?? 'anonymous@localhost' };
  return { name: author ?? own.name, email: email ?? own.email };
}

/** Refuses what could not be merged, with the paths. */
export function conflicting(conflicts: readonly MergeConflict[]): ApiError {
  const shown = conflicts.map(({ path, kind }) => ({ path, kind }));
  return new ApiError(409, 'CONFLICT', 'both sides have changed the same files', {
    paths: shown.map(({ path }) => path),
    conflicts: shown,
  });
}

/** Milliseconds as clients read them. */
export function iso(time: number): string {
  return new Date(time).toISOString();
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | null {
  try {
    return DECODER.decode(bytes);
  } catch {
    return null; // it is no UTF-8: base64 then
  }
}
