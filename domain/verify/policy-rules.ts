import { KvError } from '../../ports/error.js';
import type { LedgerMode, NamespacePolicy, Policy } from '../../ports/stargate/policy-reader.js';
import { decodeUtf8 } from '../git/bytes.js';
import { quoteKey } from '../ledger/value/key.js';
import type { Metadata } from '../ledger/value/metadata.js';
import type { Emit } from './fault.js';

/** What the policy says of a namespace. Throws `POLICY_VIOLATION` when it doesn't name it. */
export function namespacePolicy(policy: Policy, ns: string): NamespacePolicy {
  const found = policy.namespaces.get(ns);
  if (found !== undefined) return found;
  const known = [...policy.namespaces.keys()].join(', ') || 'none';
  throw new KvError('POLICY_VIOLATION', `namespace ${ns} is not in the policy`, {
    hint: `the policy has these namespaces: ${known}; an admin can add ${ns} to .kv/policy.yaml on the Stargate`,
  });
}

/** Throws `POLICY_VIOLATION` unless a namespace's ledger is made in this way. */
export function requireMode(policy: NamespacePolicy, ns: string, mode: LedgerMode): void {
  if (policy.ledgerMode === mode) return;
  const sequenced = policy.ledgerMode === 'sequenced';
  const message = sequenced
    ? `namespace ${ns} takes signed intents, which the Stargate orders (ledger_mode: sequenced), and no ledger commits`
    : `namespace ${ns} takes ledger commits of its writers (ledger_mode: linear), and no intents`;
  throw new KvError('POLICY_VIOLATION', message, {
    hint: sequenced ? 'write with a git-kv that knows intents, and fetch the policy' : 'fetch the policy and write again',
    details: { ns, ledger_mode: policy.ledgerMode },
  });
}

/** `POLICY_VIOLATION` unless the key starts with an allowed prefix. */
export function checkPrefix(policy: NamespacePolicy, ns: string, key: string, emit: Emit): void {
  if (policy.allowedPrefixes.length === 0 || policy.allowedPrefixes.some((prefix) => key.startsWith(prefix))) return;
  emit({
    code: 'POLICY_VIOLATION',
    message: `key ${quoteKey(key)} has no prefix that namespace ${ns} allows`,
    hint: `allowed prefixes: ${policy.allowedPrefixes.join(' ')}`,
    subject: { key },
  });
}

/** `POLICY_VIOLATION` when a value is larger than the namespace takes at all. `size` in bytes. */
export function checkTotalSize(policy: NamespacePolicy, key: string, size: number, emit: Emit): void {
  if (size <= policy.maxValueTotal) return;
  emit({
    code: 'POLICY_VIOLATION',
    message: `value of ${quoteKey(key)} has ${size} bytes, ${size - policy.maxValueTotal} more than max_value_total`,
    hint: `the policy takes values of up to ${policy.maxValueTotal} bytes`,
    subject: { key },
    facts: { size, limit: policy.maxValueTotal },
  });
}

/** `POLICY_VIOLATION` when an inline value is too large to be stored inline, or at all. `size` in bytes. */
export function checkInlineSize(policy: NamespacePolicy, key: string, size: number, emit: Emit): void {
  checkTotalSize(policy, key, size, emit);
  if (size <= policy.maxValueInline) return;
  emit({
    code: 'POLICY_VIOLATION',
    message: `value of ${quoteKey(key)} has ${size} bytes, ${size - policy.maxValueInline} more than max_value_inline`,
    hint: `the policy takes inline values of up to ${policy.maxValueInline} bytes`,
    subject: { key },
    facts: { size, limit: policy.maxValueInline },
  });
}

/** `POLICY_VIOLATION` when a value has no TTL though the policy has a default: that is a rule, so that every value expires at some time. */
export function checkTtl(policy: NamespacePolicy, key: string, meta: Metadata, emit: Emit): void {
  if (policy.retention.ttlDefault === null || meta.ttl !== null) return;
  emit({
    code: 'POLICY_VIOLATION',
    message: `value of ${quoteKey(key)} has no TTL, and the policy's ttl_default wants one`,
    hint: 'fetch the policy and set the key again: the client then adds the default TTL',
    advice: { id: 'fetch-policy' },
    subject: { key },
  });
}

/** The expiry that a value set at `now` (ms) gets when its writer asked for none; null: none. */
export function defaultExpiry(policy: NamespacePolicy, now: number): number | null {
  return policy.retention.ttlDefault === null ? null : now + policy.retention.ttlDefault;
}

/** What an LFS pointer begins with: the specification's address, and those that it had under its earlier names, which git-lfs still takes. */
const LFS_VERSION = /^version https?:\/\/(?:(?:git-lfs|hawser)\.github\.com\/spec\/|git-media\.io\/v\/)/;

/** An LFS pointer is small by its own specification (github.com/git-lfs/git-lfs, docs/spec.md). */
export const LFS_POINTER_MAX = 1024;

/** True when a value is a Git LFS pointer file. */
export function isLfsPointer(value: Uint8Array): boolean {
  if (value.length >= LFS_POINTER_MAX) return false;
  const text = decodeUtf8(value);
  // What git-lfs reads, it first frees of white space (Go's, which counts one control character more) at both ends.
  return text !== undefined && LFS_VERSION.test(text.replace(/^[\s\u0085]+/u, '')) && /^oid sha256:/m.test(text);
}

/** `POLICY_VIOLATION` when the policy forbids LFS and the value is a pointer to it. */
export function checkLfs(policy: NamespacePolicy, key: string, value: Uint8Array, emit: Emit): void {
  if (!policy.forbidLfs || !isLfsPointer(value)) return;
  emit({
    code: 'POLICY_VIOLATION',
    message: `value of ${quoteKey(key)} is a Git LFS pointer`,
    hint: 'store the file itself',
    advice: { id: 'store-file' },
    subject: { key },
  });
}
