import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { isServerName } from '../../ports/grammar/server-name.js';
import { KvError, type NamespacePolicy, type Policy } from '../../ports/index.js';
import { CONNECTIONS_PER_KEY } from '../../ports/stargate/policy-reader.js';
import { buildKeys, buildNamespace } from './build.js';
import { Faults } from './faults.js';
import { NamespaceBlock, PolicyFile } from './schema.js';
import { buildLimits } from './limits.js';
import { shaped } from './shape.js';
import { readSize } from './units.js';
import { namespaceFault, pushUrlFault, readUrlFault } from './values.js';

const MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;
const MAX_NESTING = 64;
/** The line of the longest key takes 6 KiB. Characters. */
const MAX_LINE = 16 * 1024;
/** A line end to YAML, over many of which its parser takes forever. */
const LONE_RETURN = /\r(?!\n)/g;

/** Reads a policy file. Throws `CONFIG_INVALID` with every fault as `<file>:<line>: <path>: <what>`, one a line. */
export function parsePolicy(text: string, file: string): Policy {
  if (text.length > MAX_BYTES) {
    throw new KvError('CONFIG_INVALID', `${file}: larger than ${MAX_BYTES} bytes`, { hint: 'check that it is the policy file' });
  }
  const odd = oddity(text);
  if (odd !== undefined) throw new KvError('CONFIG_INVALID', `${file}:${odd}`, { hint: 'check that it is the policy file' });
  const lines = new LineCounter();
  const document = parsed(text, file, lines);
  const faults = new Faults(file, document, lines);
  for (const error of document.errors) faults.addAt(lines.linePos(error.pos[0]).line, firstLine(error.message));
  addTwice(document, lines, faults);
  if (faults.any) throw faults.error();

  const plain = plainOf(document, faults);
  // What has names of its own for keys is judged apart, one by one: class-transformer stumbles over some.
  const { namespaces: blocks, stargate: own } = plain as { namespaces?: unknown; stargate?: unknown };
  const { limits: bounds, push_urls: servers } = isMapping(own) ? (own as { limits?: unknown; push_urls?: unknown }) : {};
  const shape = shaped(
    PolicyFile,
    {
      ...plain,
      ...(isMapping(blocks) && { namespaces: {} }),
      ...(isMapping(own) && {
        stargate: { ...own, ...(isMapping(bounds) && { limits: {} }), ...(isMapping(servers) && { push_urls: {} }) },
      }),
    },
    [],
    faults,
  );
  const stargate = isMapping(shape.stargate) ? shape.stargate : {};
  const url = (key: 'push_url' | 'read_url', fault: (value: unknown) => string | null): string | null => {
    const value: unknown = stargate[key] ?? null;
    const wrong = value === null ? null : fault(value);
    if (wrong !== null) faults.add(['stargate', key], wrong);
    return value as string | null;
  };
  const policy: Policy = {
    version: 1,
    pushUrl: url('push_url', pushUrlFault),
    pushUrls: pushUrlsOf(servers, faults),
    ack: stargate.ack ?? 'quorum',
    standby: stargate.standby ?? 'refuse',
    readUrl: url('read_url', readUrlFault),
    requireMirrorAckByDefault: stargate.require_mirror_ack_by_default ?? false,
    requireRepositoryId: stargate.require_repository_id ?? false,
    minFreeSpace: readSize(stargate.min_free_space),
    maxPushObjects: stargate.max_push_objects ?? 1_000_000,
    maxConnectionsPerKey: stargate.max_connections_per_key ?? CONNECTIONS_PER_KEY,
    limits: buildLimits(isMapping(bounds) ? bounds : undefined, faults),
    admins: buildKeys(stargate.admins, ['stargate', 'admins'], faults),
    readers: buildKeys(stargate.readers, ['stargate', 'readers'], faults),
    namespaces: namespacesOf(blocks, faults),
  };
  if (faults.any) throw faults.error();
  return policy;
}

/** The push URL of each server of a cluster, by its name. */
function pushUrlsOf(servers: unknown, faults: Faults): Record<string, string> {
  const urls: Record<string, string> = {};
  for (const [name, value] of Object.entries(isMapping(servers) ? servers : {})) {
    const wrong = isServerName(name) ? pushUrlFault(value) : 'is no name of a server';
    if (wrong === null)
      urls[name] = value as string; // pushUrlFault takes strings alone
    else faults.add(['stargate', 'push_urls', name], wrong);
  }
  return urls;
}

/** Where a text is no policy by its looks, and why: the YAML parser would take forever over it. */
function oddity(text: string): string | undefined {
  if (nestsDeeply(text)) return ` brackets are nested more than ${MAX_NESTING} deep`;
  const long = text.split('\n').findIndex((line) => line.length > MAX_LINE);
  return long < 0 ? undefined : `${long + 1}: the line is longer than ${MAX_LINE} characters`;
}

/** Whether more brackets are opened than a policy has: the time that the YAML parser takes grows with the square of their number. */
function nestsDeeply(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === '[' || bracket === '{' ? depth + 1 : Math.max(0, depth - 1);
    if (depth > MAX_NESTING) return true;
  }
  return false;
}

function namespacesOf(blocks: unknown, faults: Faults): Map<string, NamespacePolicy> {
  const namespaces = new Map<string, NamespacePolicy>();
  for (const [name, block] of Object.entries(isMapping(blocks) ? blocks : {})) {
    const at = ['namespaces', name];
    const wrong = namespaceFault(name);
    if (wrong !== null) faults.add(at, wrong);
    if (isMapping(block)) namespaces.set(name, buildNamespace(shaped(NamespaceBlock, block, at, faults), at, faults));
    else faults.add(at, 'must be a mapping, such as { writers: [] }');
  }
  return namespaces;
}

/** Keys that a mapping has twice. The library holds each key against all before it: of ten thousand namespaces, that takes many seconds. */
function addTwice(document: Document, lines: LineCounter, faults: Faults): void {
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue; // which is a fault of its own
        if (seen.has(key.value)) faults.addAt(lines.linePos(key.range?.[0] ?? 0).line, 'Map keys must be unique');
        seen.add(key.value);
      }
    },
  });
}

function parsed(text: string, file: string, lines: LineCounter): Document {
  try {
    // No pretty errors: each would go through the text from its beginning.
    return parseDocument(text.replace(LONE_RETURN, '\n'), {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
    });
  } catch (cause) {
    // Nesting thousands deep overflows the parser's stack.
    throw new KvError('CONFIG_INVALID', `${file}:1: cannot be read as YAML`, { cause, hint: 'check that it is the policy file' });
  }
}

function plainOf(document: Document, faults: Faults): object {
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    faults.add([], error instanceof Error ? firstLine(error.message) : 'cannot be read');
    throw faults.error();
  }
  if (isMapping(plain)) return plain;
  faults.add(
    [],
    plain === null ? 'is empty; want a mapping that starts with version: 1' : 'must be a mapping that starts with version: 1',
  );
  throw faults.error();
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}
