import type { NamespacePolicy, PolicyKey } from '../../ports/index.js';
import type { Faults, Path } from './faults.js';
import type { ChunkingBlock, NamespaceBlock } from './schema.js';
import { readDuration, readSize } from './units.js';
import { parseKey, prefixFault } from './values.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** A namespace's policy from its block, with the defaults of what is left out. */
export function buildNamespace(block: NamespaceBlock, at: Path, faults: Faults): NamespacePolicy {
  const maxValueInline = readSize(block.max_value_inline) ?? MiB;
  const maxValueTotal = readSize(block.max_value_total) ?? 100 * MiB;
  if (maxValueInline > maxValueTotal)
    faults.add([...at, 'max_value_inline'], `is larger than max_value_total (${maxValueTotal} bytes)`);
  const verify = { ...block.verify };
  return {
    ledgerMode: block.ledger_mode ?? 'linear',
    requireSignedCommits: block.require_signed_commits ?? true,
    maxValueInline,
    maxValueTotal,
    chunking: buildChunking(block.chunking, [...at, 'chunking'], faults),
    allowedPrefixes: buildPrefixes(block.allowed_prefixes, [...at, 'allowed_prefixes'], faults),
    writers: buildKeys(block.writers, [...at, 'writers'], faults),
    forbidLfs: Array.isArray(block.forbidden) ? block.forbidden.some((item) => item?.lfs === true) : true,
    retention: {
      ttlDefault: readDuration(block.retention?.ttl_default),
      enforceReadside: block.retention?.enforce_readside ?? true,
      keepEpochs: block.retention?.keep_epochs ?? null,
    },
    verify: { mode: verify.mode ?? 'auto', sampleSize: verify.sample_size ?? null, fullLimit: verify.full_limit ?? 50_000 },
  };
}

/** Reads a list of public keys. What is no key becomes a fault at its own place, and is left out. */
export function buildKeys(list: unknown, at: Path, faults: Faults): PolicyKey[] {
  const keys: PolicyKey[] = [];
  for (const [index, value] of elements(list).entries()) {
    const key = parseKey(value);
    if (typeof key === 'string') faults.add([...at, index], key);
    else keys.push(key);
  }
  return keys;
}

function buildPrefixes(list: unknown, at: Path, faults: Faults): string[] {
  const prefixes = elements(list);
  for (const [index, value] of prefixes.entries()) {
    const fault = prefixFault(value);
    if (fault !== null) faults.add([...at, index], fault);
  }
  return prefixes as string[];
}

function buildChunking(block: ChunkingBlock | undefined, at: Path, faults: Faults): NamespacePolicy['chunking'] {
  const foreign = block?.mode === 'fixed' ? (['min', 'avg', 'max', 'nc'] as const) : (['size'] as const);
  for (const key of foreign) {
    if (block?.[key] !== undefined) faults.add([...at, key], `has no meaning with mode ${block.mode}`);
  }
  if (block?.mode === 'fixed') return { mode: 'fixed', size: readSize(block.size) ?? 256 * KiB };
  const min = readSize(block?.min) ?? 64 * KiB;
  const avg = readSize(block?.avg) ?? 256 * KiB;
  const max = readSize(block?.max) ?? MiB;
  if (min > avg)
    faults.add([...at, block?.min === undefined ? 'avg' : 'min'], `min (${min} bytes) is larger than avg (${avg} bytes)`);
  if (avg > max)
    faults.add([...at, block?.max === undefined ? 'avg' : 'max'], `avg (${avg} bytes) is larger than max (${max} bytes)`);
  if (min < 64) faults.add([...at, 'min'], 'must be at least 64 bytes, the window of the rolling hash');
  return { mode: 'fastcdc', min, avg, max, nc: block?.nc ?? 1 };
}

// What is no list has been named as a fault by its shape.
function elements(list: unknown): unknown[] {
  return Array.isArray(list) ? list : [];
}
