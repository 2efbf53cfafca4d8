import type { Node, ParsedNode } from 'yaml';
import { meant } from '../../../ports/grammar/nearest.js';
import { KvError, PORT_NAMES, type PortName } from '../../../ports/index.js';
import type { Layer, ListedPlugin, ProfileSetting } from '../profile.js';
import { lineOf } from './place.js';

/** The version of profile files that is read here. */
const VERSION = 1;
const KEYS = ['version', 'name', 'extends', 'hosts', 'settings', 'plugins', 'adapters'] as const;

/** What a file says of one port: what it leaves out is as in the profile that it extends. */
export interface ChoiceChange extends Partial<Omit<Layer, 'line'>> {
  readonly line: number;
  readonly wrap?: readonly Layer[];
}

/** A profile's file as it was written, checked. */
export interface ProfileSource {
  readonly name: string;
  readonly extends?: { readonly name: string; readonly line: number };
  readonly hosts?: { readonly value: 'one' | 'many'; readonly line: number };
  readonly settings: Readonly<Record<string, ProfileSetting>>;
  readonly plugins: readonly (string | ListedPlugin)[];
  readonly adapters: Readonly<Partial<Record<PortName, ChoiceChange>>>;
}

/** Reads a profile's text. Throws `CONFIG_INVALID` with every fault as `<file>:<line>: <path>: <what>`. */
export async function parseSource(text: string, file: string): Promise<ProfileSource> {
  // Imported here, since no built-in profile needs it.
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('../yaml.js');
  const lines = new LineCounter();
  const document = parseDocument<ParsedNode>(text, { lineCounter: lines, stringKeys: true });
  const faults: string[] = [];
  const at = (node: Node | null | undefined): number => (node?.range ? lines.linePos(node.range[0]).line : 1);
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
      fault(at(node as Node), `${path === '' ? '' : `${path}: `}must be a mapping`);
      return [];
    }
    const found: [string, Node | null, number][] = [];
    for (const { key, value } of node.items) {
      const name = String(isScalar(key) ? key.value : key);
      if (known !== undefined && !known.includes(name)) {
        fault(at(key as Node), `${path === '' ? '' : `${path}.`}${name}: unknown key${meant(name, known, known.length)}`);
      } else found.push([name, value as Node | null, at(key as Node)]);
    }
    return found;
  };
  const string = (node: unknown, path: string): string => {
    if (isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
    fault(at(node as Node), `${path}: must be a string`);
    return '';
  };
  const list = (node: unknown, path: string): Node[] => {
    if (isSeq(node)) return node.items as Node[];
    fault(at(node as Node), `${path}: must be a list`);
    return [];
  };
  const linesOf = (node: unknown, before: string): [string, number][] =>
    !isMap(node)
      ? []
      : node.items.flatMap(({ key, value }) => {
          const name = `${before}${String(isScalar(key) ? key.value : key)}`;
          return [[name, at(key as Node)] as [string, number], ...linesOf(value, `${name}.`)];
        });
  const configOf = (node: Node | null | undefined, path: string): Pick<Layer, 'config' | 'configLines'> => {
    if (node === undefined) return {};
    entries(node, `${path}.config`);
    return isMap(node)
      ? { config: node.toJS(document, { maxAliasCount: 100 }), configLines: Object.fromEntries(linesOf(node, '')) }
      : {};
  };
  const layer = (node: Node, path: string): Layer => {
    const line = at(node);
    if (isScalar(node)) return { use: string(node, path), line };
    const fields = new Map(entries(node, path, ['use', 'config']).map(([name, value]) => [name, value]));
    if (isMap(node) && !fields.has('use')) fault(line, `${path}.use: is missing; must be the name of a wrapper`);
    return {
      use: fields.has('use') ? string(fields.get('use'), `${path}.use`) : '',
      line,
      ...configOf(fields.get('config'), path),
    };
  };
  const change = (node: Node | null, path: string, line: number, mayMiss: boolean): ChoiceChange => {
    if (isScalar(node)) return { use: string(node, path), line };
    const fields = new Map(entries(node, path, ['use', 'config', 'wrap']).map(([name, value]) => [name, value]));
    if (isMap(node) && !fields.has('use') && !mayMiss) fault(line, `${path}.use: is missing; must be the name of an adapter`);
    const wrap = fields.get('wrap');
    return {
      line,
      ...(fields.has('use') ? { use: string(fields.get('use'), `${path}.use`) } : {}),
      ...configOf(fields.get('config'), path),
      ...(wrap ? { wrap: list(wrap, `${path}.wrap`).map((one, i) => layer(one, `${path}.wrap[${i}]`)) } : {}),
    };
  };

  const top = new Map(entries(document.contents, '', KEYS).map(([name, node, line]) => [name, { node, line }]));
  const version = top.get('version');
  if (version !== undefined && !(isScalar(version.node) && version.node.value === VERSION))
    fault(version.line, `version: this reads version ${VERSION} of profiles alone`);
  const above = top.get('extends');
  const parent = above === undefined ? {} : { extends: { name: string(above.node, 'extends'), line: above.line } };
  const adapters: Partial<Record<PortName, ChoiceChange>> = {};
  const ports = top.get('adapters');
  for (const [port, node, line] of ports === undefined ? [] : entries(ports.node, 'adapters', PORT_NAMES))
    adapters[port as PortName] = change(node, `adapters.${port}`, line, above !== undefined);
  if (ports === undefined && above === undefined) fault(1, 'adapters: is missing; must be a mapping of ports to adapters');
  const listed = top.get('plugins');
  const plugins = listed === undefined ? [] : list(listed.node, 'plugins').map((one, i) => plugin(one, `plugins[${i}]`));
  function plugin(node: Node, path: string): ListedPlugin {
    return { use: string(node, path), from: file, place: lineOf(file, at(node)) };
  }
  const hosts = top.get('hosts');
  const many = hosts !== undefined && isScalar(hosts.node) ? hosts.node.value : undefined;
  if (hosts !== undefined && many !== 'one' && many !== 'many') fault(hosts.line, 'hosts: must be one or many');
  const settings: Record<string, ProfileSetting> = {};
  const said = top.get('settings');
  for (const [name, node, line] of said === undefined ? [] : entries(said.node, 'settings')) {
    const value = isScalar(node) ? node.value : null;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      fault(line, `settings.${name}: must be a string or a number`);
    settings[name] = { value: String(value), place: lineOf(file, line) };
  }
  if (!top.has('name')) fault(1, 'name: is missing');
  const name = top.has('name') ? string(top.get('name')?.node, 'name') : '';
  if (faults.length > 0) throw stop();
  return {
    ...{ name, settings, plugins, adapters, ...parent },
    ...(many === 'one' || many === 'many' ? { hosts: { value: many, line: hosts?.line ?? 1 } } : {}),
  };
}
