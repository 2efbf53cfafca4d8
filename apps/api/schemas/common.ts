import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';

/** An object without any other members. */
export const closed = <P extends TProperties>(properties: P): TObject<P> =>
  Type.Object(properties, { additionalProperties: false });

/** A text, or null. */
export const TextOrNull = Type.Union([Type.String(), Type.Null()]);

/** What a refused request is answered with. */
const Problem = Type.Object(
  {
    ...{ type: Type.String(), title: Type.String(), status: Type.Integer(), detail: Type.String() },
    ...{ error: Type.String(), code: Type.String(), details: Type.Optional(Type.Unknown()), request_id: Type.String() },
  },
  { description: 'A problem as RFC 9457 has it, with `error` and `code` for clients' },
);

/** The answers of a route: its own, and the problems that every route may answer with. */
export const answers = <S extends TSchema, N extends 200 | 201 | 202>(status: N, schema: S) =>
  ({ [status]: schema, '4xx': Problem, '5xx': Problem }) as { [K in N]: S } & { '4xx': typeof Problem; '5xx': typeof Problem };

/** Success without a body of its own. */
export const Done = Type.Object({ status: Type.String(), message: Type.String() });

/** Gives one. */
export const done = (message: string): Static<typeof Done> => ({ status: 'success', message });

/** Which repository. */
export const RepoParams = Type.Object({ repo: Type.String({ maxLength: 200 }) });

/** Which repository, and the rest of the path. */
export const RestParams = Type.Object({ repo: Type.String({ maxLength: 200 }), '*': Type.String() });

/** Where a list begins, and how long it may be. */
export const PAGE = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: '100 unless told otherwise' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
};

/** A revision: a branch, a tag, HEAD or an id, with `^` and `~` behind it. */
export const Rev = Type.String({ minLength: 1, maxLength: 300 });

/** A path of a file or a directory; the domain says which are good. */
export const Path = Type.String({ minLength: 1, maxLength: 8192 });

/** Who wrote it: `{name, email}`, or a name beside `email`. */
export const AUTHOR = {
  author: Type.Optional(
    Type.Union([
      closed({ name: Type.String({ minLength: 1, maxLength: 300 }), email: Type.String({ maxLength: 300 }) }),
      Type.String({ minLength: 1, maxLength: 300 }),
    ]),
  ),
  email: Type.Optional(Type.String({ maxLength: 300 })),
};

/** A file with its content. */
export const FilePutBody = {
  path: Path,
  content: Type.String(),
  encoding: Type.Optional(Type.Union([Type.Literal('utf-8'), Type.Literal('base64')])),
  mode: Type.Optional(Type.Union([Type.Literal('100644'), Type.Literal('100755'), Type.Literal('120000')])),
};

/** A slice of a list. */
export function page<T>(
  all: readonly T[],
  { limit = 100, offset = 0 }: { readonly limit?: number; readonly offset?: number },
): T[] {
  return all.slice(offset, offset + limit);
}
