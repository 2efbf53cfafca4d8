import { Errors } from 'typebox/schema';
import { parseAllDocuments, parseDocument } from 'yaml';

/** A file that is looked into. */
export interface CheckedFile {
  readonly path: string;
  readonly content: Uint8Array;
}

/** What is wrong with one. */
export interface FoundFault {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
}

/** What is asked: whether files are what their names say, or whether they fit a schema. */
export type Question =
  | { readonly kind: 'syntax'; readonly files: readonly CheckedFile[] }
  | { readonly kind: 'schema'; readonly files: readonly CheckedFile[]; readonly schema: CheckedFile };

/** Faults that are told of one file. */
const MOST = 20;
/** Anchors that a YAML file may use, so that a small file is no large value. */
const ALIASES = 100;

/** Which files are looked into: by their names, JSON and YAML. */
export const isStructured = (path: string): boolean => kindOf(path) !== null;

/** Answers a question. Takes as long as its files and its schema want: it is not for a thread that others wait for. */
export function checkFiles(question: Question): FoundFault[] {
  if (question.kind === 'syntax') return question.files.flatMap(({ path, content }) => valueIn(path, content, false).faults);
  const { path, content } = question.schema;
  const schema = valueIn(path, content, true);
  if (schema.faults.length > 0) return schema.faults;
  if (typeof schema.value !== 'boolean' && (typeof schema.value !== 'object' || schema.value === null))
    return [{ path, message: 'is no JSON Schema: neither an object nor true or false' }];
  return question.files.flatMap((file) => misfits(file, schema.value as object, path));
}

function misfits({ path, content }: CheckedFile, schema: object, schemaPath: string): FoundFault[] {
  const { value, faults } = valueIn(path, content, true);
  if (faults.length > 0) return faults;
  try {
    const [fits, errors] = Errors(schema, value);
    if (fits) return [];
    return errors
      .slice(0, MOST)
      .map(({ instancePath, message }) => ({ path, message: `${instancePath === '' ? '/' : instancePath} ${message}` }));
  } catch (error) {
    return [{ path: schemaPath, message: `can't be used as a JSON Schema: ${(error as Error).message}` }]; // a pattern that is none, for example
  }
}

function kindOf(path: string): 'json' | 'yaml' | null {
  const ending = /\.(json|ya?ml)$/i.exec(path)?.[1]?.toLowerCase();
  return ending === undefined ? null : ending === 'json' ? 'json' : 'yaml';
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The value of a file, or what keeps it from having one. */
function valueIn(
  path: string,
  content: Uint8Array,
  wanted: boolean,
): { readonly value?: unknown; readonly faults: FoundFault[] } {
  const kind = kindOf(path);
  if (kind === null) return { faults: wanted ? [{ path, message: 'is neither JSON nor YAML by its name' }] : [] };
  try {
    const text = decoder.decode(content);
    if (kind === 'json') return { value: JSON.parse(text) as unknown, faults: [] };
    const documents = wanted ? [parseDocument(text, { logLevel: 'silent' })] : parseAllDocuments(text, { logLevel: 'silent' });
    const [error] = documents.flatMap(({ errors }) => errors);
    if (error === undefined) return { value: wanted ? documents[0]?.toJS({ maxAliasCount: ALIASES }) : null, faults: [] };
    const line = error.linePos?.[0].line;
    return { faults: [{ path, message: error.message.split('\n', 1)[0] ?? '', ...(line === undefined ? {} : { line }) }] };
  } catch (error) {
    return { faults: [{ path, message: (error as Error).message }] }; // what is wrong with it is what was asked
  }
}
