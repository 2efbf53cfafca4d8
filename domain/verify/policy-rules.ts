import { KvError } from '../../ports/error.js';
import type { NamespacePolicy, Policy, PolicyKey } from '../../ports/policy-reader.js';
import { decodeUtf8 } from '../git/bytes.js';
import { quoteKey } from '../ledger/key.js';

/** What the policy says of a namespace. Throws `POLICY_VIOLATION` when it doesn't name it. */
export function namespacePolicy(policy: Policy, ns: string): NamespacePolicy {
  const found = policy.namespaces.get(ns);
  if (found !== undefined) return found;
  const known = [...policy.namespaces.keys()].join(', ') || 'none';
  throw new KvError('POLICY_VIOLATION', `namespace ${ns} is not in the policy`, {
    hint: `the policy has these namespaces: ${known}; an admin can add ${ns} to .kv/policy.yaml on the Stargate`,
  });
}

/** Throws `POLICY_VIOLATION` unless the key starts with an allowed prefix. */
export function checkPrefix(policy: NamespacePolicy, ns: string, key: string): void {
  if (policy.allowedPrefixes.length === 0 || policy.allowedPrefixes.some((prefix) => key.startsWith(prefix))) return;
  throw new KvError('POLICY_VIOLATION', `key ${quoteKey(key)} has no prefix that namespace ${ns} allows`, {
    hint: `allowed prefixes: ${policy.allowedPrefixes.join(' ')}`,
    details: { key },
  });
}

/** Throws `POLICY_VIOLATION` when a value is larger than the namespace takes at all. `size` in bytes. */
export function checkTotalSize(policy: NamespacePolicy, key: string, size: number): void {
  if (size <= policy.maxValueTotal) return;
  throw new KvError(
    'POLICY_VIOLATION',
    `value of ${quoteKey(key)} has ${size} bytes, ${size - policy.maxValueTotal} more than max_value_total`,
    {
      hint: `the policy takes values of up to ${policy.maxValueTotal} bytes`,
      details: { key, size, limit: policy.maxValueTotal },
    },
  );
}

/** Throws `POLICY_VIOLATION` when an inline value is too large to be stored inline. `size` in bytes. */
export function checkInlineSize(policy: NamespacePolicy, key: string, size: number): void {
  checkTotalSize(policy, key, size);
  if (size <= policy.maxValueInline) return;
  throw new KvError(
    'POLICY_VIOLATION',
    `value of ${quoteKey(key)} has ${size} bytes, ${size - policy.maxValueInline} more than max_value_inline`,
    {
      hint: `the policy takes inline values of up to ${policy.maxValueInline} bytes`,
      details: { key, size, limit: policy.maxValueInline },
    },
  );
}

/** The expiry that a value set at `now` (ms) gets when its writer asked for none; null: none. */
export function defaultExpiry(policy: NamespacePolicy, now: number): number | null {
  return policy.retention.ttlDefault === null ? null : now + policy.retention.ttlDefault;
}

/** An LFS pointer is small by its own specification (github.com/git-lfs/git-lfs, docs/spec.md). */
export const LFS_POINTER_MAX = 1024;

/** True when a value is a Git LFS pointer file. */
export function isLfsPointer(value: Uint8Array): boolean {
  if (value.length >= LFS_POINTER_MAX) return false;
  const text = decodeUtf8(value);
  return (
    text !== undefined &&
    /^version https?:\/\/(git-lfs\.github\.com|hawser\.github\.com)\/spec\//.test(text) &&
    /^oid sha256:/m.test(text)
  );
}

/** Throws `POLICY_VIOLATION` when the policy forbids LFS and the value is a pointer to it. */
export function checkLfs(policy: NamespacePolicy, key: string, value: Uint8Array): void {
  if (!policy.forbidLfs || !isLfsPointer(value)) return;
  throw new KvError('POLICY_VIOLATION', `value of ${quoteKey(key)} is a Git LFS pointer`, {
    hint: 'store the file itself',
    advice: { id: 'store-file' },
    details: { key },
  });
}

/** Every key that may sign for the namespace. */
export function signersOf(policy: Policy, ns: string): readonly PolicyKey[] {
  return namespacePolicy(policy, ns).writers;
}
