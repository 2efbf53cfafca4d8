import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compareVersions } from './versions.js';

const LISTS = '/var/lib/apt/lists';
const APT = '/usr/lib/apt/apt-helper';

/** A package's paragraph in a `Packages` list, without the empty line behind it. */
export interface Stanza {
  readonly name: string;
  readonly version: string;
  readonly text: string;
}

export interface Lists {
  /** The release's packages, by name, the newest of each. */
  readonly main: ReadonlyMap<string, Stanza>;
  /** Those of the security and update lists that `main` lacks, or has older. */
  readonly newer: ReadonlyMap<string, Stanza>;
  readonly files: readonly string[];
}

/** Reads what `apt-get update` has left on this machine; null where there is none of it. */
export async function readLists(): Promise<Lists | null> {
  const names = (await readdir(LISTS).catch(() => [])).filter((name) => /_Packages(\.\w+)?$/.test(name)).sort();
  const late = names.filter((name) => /-security|-updates/.test(name));
  const release = names.filter((name) => !late.includes(name));
  if (release.length === 0) return null;
  const main = await newestOf(release, new Map());
  return { main, newer: await newestOf(late, main), files: names };
}

async function newestOf(files: readonly string[], known: ReadonlyMap<string, Stanza>): Promise<Map<string, Stanza>> {
  const found = new Map<string, Stanza>();
  for (const file of files) {
    // apt knows how its own lists are compressed.
    const { stdout } = await promisify(execFile)(APT, ['cat-file', join(LISTS, file)], { maxBuffer: 1 << 30 });
    for (const stanza of stanzasOf(stdout)) {
      const other = found.get(stanza.name) ?? known.get(stanza.name);
      if (other === undefined || compareVersions(stanza.version, other.version) > 0) found.set(stanza.name, stanza);
    }
  }
  return found;
}

function stanzasOf(list: string): Stanza[] {
  return list
    .split('\n\n')
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text) => ({ name: field(text, 'Package'), version: field(text, 'Version'), text }));
}

function field(text: string, name: string): string {
  const found = new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`a stanza without ${name}: ${text.slice(0, 80)}`);
  return found;
}
