import type { Node, ParsedNode } from 'yaml';
import { KvError, PORT_NAMES, type PortName } from '../../ports/index.js';
import { readRegularFile } from './regular-file.js';

/** One adapter by name, with its configuration as the file has it. */
export interface Layer {
  readonly use: string;
  /** Absent: the adapter's defaults. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The line of the layer in the profile's file, and of each key of its configuration. */
  readonly line: number;
  readonly configLines?: Readonly<Record<string, number>>;
}

/** What a profile says of one port. `wrap` lists wrappers of the same port, the innermost first. */
export interface Choice extends Layer {
  readonly wrap: readonly Layer[];
}

/**
 * A named set of adapters:
 *
 *     name: embedded
 *     plugins: ['@acme/git-kv-mirror', ./my-plugin/manifest.js]   # a path is relative to this file
 *     adapters:
 *       journal: journal-file
 *       mirror-target:
 *         use: mirror-git
 *         config: { remote: github-origin }
 *         wrap: [{ use: mirror-breaker, config: { resetMs: 5000 } }]
 */
export interface Profile {
  readonly name: string;
  /** For messages, and what relative plugin paths start from. */
  readonly file: string;
  readonly plugins: readonly string[];
  readonly adapters: Readonly<Partial<Record<PortName, Choice>>>;
}

/** More than any profile has. Bytes. */
const MOST_BYTES = 1024 ** 2;

/** Reads a profile's file. Throws `CONFIG_INVALID` with every fault as `<file>:<line>: <path>: <what>`; `IO_ERROR`. */
export async function readProfile(file: string): Promise<Profile> {
  let text: string;
  try {
    text = (await readRegularFile(file, MOST_BYTES)).toString('utf8');
  } catch (cause) {
    throw new KvError('IO_ERROR', `cannot read the profile ${file}: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, {
      cause,
      hint: 'check the path of the profile',
    });
  }
  return parseProfile(text, file);
}

/** As `readProfile`, from text. The parser is imported here, since no built-in profile needs it. */
export async function parseProfile(text: string, file: string): Promise<Profile> {
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('./yaml.js');
  const lines = new LineCounter();
  const document = parseDocument<ParsedNode>(text, { lineCounter: lines, stringKeys: true });
  const faults: string[] = [];
  const lineOf = (node: Node | null | undefined): number => (node?.range ? lines.linePos(node.range[0]).line : 1);
  const fault = (line: number, what: string): void => {
    faults.push(`${file}:${line}: ${what}`);
  };
  for (const error of document.errors)
    fault(error.linePos?.[0].line ?? 1, (error.message.split('\n')[0] ?? '').replace(/ at line .*$/, ''));
  const stop = (): KvError =>
    new KvError('CONFIG_INVALID', faults.join('\n'), { hint: 'correct the profile', details: { file, faults: faults.length } });
  if (faults.length > 0) throw stop();

  /** A mapping's entries with the line of each key; what is in `known` only, where that is given. */
  const entries = (node: unknown, path: string, known?: readonly string[]): [string, Node | null, number][] => {
    if (!isMap(node)) {
      fault(lineOf(node as Node), `${path === '' ? '' : `${path}: `}must be a mapping`);
      return [];
    }
    const found: [string, Node | null, number][] = [];
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key);
      if (known !== undefined && !known.includes(name)) {
        fault(lineOf(key as Node), `${path === '' ? '' : `${path}.`}${name}: unknown key (known: ${known.join(', ')})`);
      } else found.push([name, value as Node | null, lineOf(key as Node)]);
    }
    return found;
  };
  const string = (node: unknown, path: string): string => {
    if (isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
    fault(lineOf(node as Node), `${path}: must be a string`);
    return '';
  };
  const list = (node: unknown, path: string): Node[] => {
    if (isSeq(node)) return node.items as Node[];
    fault(lineOf(node as Node), `${path}: must be a list`);
    return [];
  };
  const layer = (node: unknown, path: string, keys: readonly string[], line: number): { layer: Layer; wrap: Node | null } => {
    if (isScalar(node)) return { layer: { use: string(node, path), line }, wrap: null };
    const fields = new Map(entries(node, path, keys).map(([name, value]) => [name, value]));
    if (isMap(node) && !fields.has('use')) fault(line, `${path}.use: is missing; must be the name of an adapter`);
    const use = fields.has('use') ? string(fields.get('use'), `${path}.use`) : '';
    const config = fields.get('config');
    const wrap = fields.get('wrap') ?? null;
    if (config === undefined) return { layer: { use, line }, wrap };
    const configLines = Object.fromEntries(entries(config, `${path}.config`).map(([name, , at]) => [name, at]));
    return {
      layer: { use, config: isMap(config) ? config.toJS(document, { maxAliasCount: 100 }) : {}, line, configLines },
      wrap,
    };
  };

  const top = new Map(entries(document.contents, '', ['name', 'plugins', 'adapters']).map(([name, node]) => [name, node]));
  const adapters: Partial<Record<PortName, Choice>> = {};
  for (const [port, node, line] of top.has('adapters') ? entries(top.get('adapters'), 'adapters', PORT_NAMES) : []) {
    const path = `adapters.${port}`;
    const found = layer(node, path, ['use', 'config', 'wrap'], line);
    const wrap = found.wrap === null ? [] : list(found.wrap, `${path}.wrap`);
    adapters[port as PortName] = {
      ...found.layer,
      wrap: wrap.map((one, at) => layer(one, `${path}.wrap[${at}]`, ['use', 'config'], lineOf(one)).layer),
    };
  }
  if (!top.has('adapters')) fault(1, 'adapters: is missing; must be a mapping of ports to adapters');
  const plugins = top.has('plugins') ? list(top.get('plugins'), 'plugins').map((one, at) => string(one, `plugins[${at}]`)) : [];
  if (!top.has('name')) fault(1, 'name: is missing');
  const name = top.has('name') ? string(top.get('name'), 'name') : '';
  if (faults.length > 0) throw stop();
  return { name, file, plugins, adapters };
}
