import { dirname, resolve } from 'node:path';
import { KvError, nearest } from '../../../ports/index.js';
import { BUILTIN_PROFILES } from '../builtin-profiles.js';
import type { Profile } from '../profile.js';
import { readRegularFile } from '../regular-file.js';
import { inherit } from './inherit.js';

/** More than any profile has. Bytes. */
const MOST_BYTES = 1024 ** 2;

/** A built-in profile by its name, else a file by its path. */
export async function findProfile(nameOrFile: string): Promise<Profile> {
  if (Object.hasOwn(BUILTIN_PROFILES, nameOrFile)) return BUILTIN_PROFILES[nameOrFile] as Profile;
  if (isPath(nameOrFile)) return readProfile(nameOrFile);
  throw unknown(nameOrFile, '');
}

/**
 * Reads a profile's file, and those that it extends. Throws `CONFIG_INVALID` with every fault of a file as
 * `<file>:<line>: <path>: <what>`, and for files that extend each other in a circle; `IO_ERROR` for one that can't be read.
 */
export function readProfile(file: string): Promise<Profile> {
  return readBelow(file, []);
}

/** As `readProfile`, from the text of a file that may not be there. */
export function parseProfile(text: string, file: string): Promise<Profile> {
  return parseBelow(text, file, []);
}

async function readBelow(file: string, extending: readonly string[]): Promise<Profile> {
  let text: string;
  try {
    text = (await readRegularFile(file, MOST_BYTES)).toString('utf8');
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot read the profile ${file}: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, {
      cause,
      hint: 'check the path of the profile',
    });
  }
  return parseBelow(text, file, extending);
}

/** `extending` are the files on the way here, each of which extends the next. */
async function parseBelow(text: string, file: string, extending: readonly string[]): Promise<Profile> {
  const { parseSource } = await import('./parse.js');
  const source = await parseSource(text, file);
  if (source.extends === undefined) return inherit(source, file, undefined);
  const { name, line } = source.extends;
  const where = `${file}:${line}: extends: `;
  if (Object.hasOwn(BUILTIN_PROFILES, name)) return inherit(source, file, BUILTIN_PROFILES[name]);
  if (!isPath(name)) throw unknown(name, where);
  const above = resolve(dirname(file), name);
  const way = [...extending, resolve(file)];
  if (way.includes(above)) {
    const circle = [...way.slice(way.indexOf(above)), above].join(' -> ');
    throw new KvError('CONFIG_INVALID', `${where}profiles extend each other in a circle: ${circle}`, {
      hint: 'take one of these lines out',
    });
  }
  const parent = await readBelow(above, way).catch((error: unknown) => {
    if (!KvError.is(error) || error.code !== 'IO_ERROR') throw error; // it names its own file and line
    throw new KvError('CONFIG_INVALID', `${where}${error.message}`, { cause: error, hint: 'the path is relative to this file' });
  });
  return inherit(source, file, parent);
}

function isPath(name: string): boolean {
  return /[/\\]|\.ya?ml$/.test(name);
}

function unknown(name: string, where: string): KvError {
  const names = Object.keys(BUILTIN_PROFILES);
  const near = nearest(name, names);
  return new KvError('CONFIG_INVALID', `${where}no profile is called '${name}'`, {
    hint: `${near === undefined ? '' : `did you mean '${near}'? `}use one of: ${names.join(', ')}; or the path of a YAML file`,
  });
}
