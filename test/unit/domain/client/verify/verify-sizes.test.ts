import { expect } from 'chai';
import { utf8 } from '../../../../../domain/git/bytes.js';
import type { Metadata } from '../../../../../domain/ledger/value/metadata.js';
import type { Emit, Fault } from '../../../../../domain/verify/fault.js';
import {
  checkInlineSize,
  checkLfs,
  checkTotalSize,
  checkTtl,
  defaultExpiry,
  isLfsPointer,
  LFS_POINTER_MAX,
  namespacePolicy,
} from '../../../../../domain/verify/policy-rules.js';
import { KvError } from '../../../../../ports/error.js';
import type { NamespacePolicy, Policy } from '../../../../../ports/stargate/policy-reader.js';

const POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n';
/** A policy of which only these fields are read here. */
const policy = {
  ...{ maxValueInline: 10, maxValueTotal: 20, forbidLfs: true, retention: { ttlDefault: 1000 } },
  writers: [{ kind: 'ssh', material: 'k', name: 'ada' }],
} as unknown as NamespacePolicy;
const lax = { ...policy, forbidLfs: false, retention: { ...policy.retention, ttlDefault: null } };
const faultsOf = (check: (emit: Emit) => void): unknown[] => {
  const faults: Fault[] = [];
  check((fault) => faults.push(fault));
  return faults.map(({ code, subject, facts, advice }) => [code, subject.key, facts ?? advice?.id]);
};

describe('policy rules of values', () => {
  it('take a value as large as the bound, and none that is larger', () => {
    const inline = (size: number) => faultsOf((emit) => checkInlineSize(policy, 'k', size, emit));
    const total = (size: number) => faultsOf((emit) => checkTotalSize(policy, 'k', size, emit));
    const over = (size: number, limit: number) => ['POLICY_VIOLATION', 'k', { size, limit }];
    expect([inline(10), total(20)]).to.deep.equal([[], []]);
    expect(inline(11)).to.deep.equal([over(11, 10)]);
    expect(total(21)).to.deep.equal([over(21, 20)]);
    expect(inline(21), 'too large for both').to.deep.equal([over(21, 20), over(21, 10)]);
  });

  it('want a TTL where the policy has a default, which says when a value expires', () => {
    const ttl = (of: NamespacePolicy, value: number | null) =>
      faultsOf((emit) => checkTtl(of, 'k', { ttl: value } as unknown as Metadata, emit));
    expect(ttl(policy, null)).to.deep.equal([['POLICY_VIOLATION', 'k', 'fetch-policy']]);
    expect([ttl(policy, 1), ttl(lax, null)]).to.deep.equal([[], []]);
    expect([defaultExpiry(policy, 50), defaultExpiry(lax, 50)]).to.deep.equal([1050, null]);
  });

  it('know a pointer to LFS, and refuse it where the policy says so', () => {
    const lfs = (of: NamespacePolicy, value: string) => faultsOf((emit) => checkLfs(of, 'k', utf8(value), emit));
    expect(lfs(policy, POINTER)).to.deep.equal([['POLICY_VIOLATION', 'k', 'store-file']]);
    expect([lfs(lax, POINTER), lfs(policy, 'text')]).to.deep.equal([[], []]);
    expect(isLfsPointer(utf8(POINTER.replace('https://git-lfs.github', 'http://hawser.github')))).to.equal(true);
    expect(isLfsPointer(utf8(POINTER.padEnd(LFS_POINTER_MAX - 1)))).to.equal(true);
    for (const before of ['\n', '\r\n\t \n', '\u0085']) expect(isLfsPointer(utf8(`${before}${POINTER}`)), before).to.equal(true);
    const oldest = POINTER.replace('https://git-lfs.github.com/spec/v1', 'http://git-media.io/v/2');
    expect(isLfsPointer(utf8(oldest)), oldest).to.equal(true);
    for (const other of [`x ${POINTER}`, POINTER.replace('oid sha', ' oid sha'), POINTER.replace('oid sha256:', 'oid md5:')])
      expect(isLfsPointer(utf8(other)), other).to.equal(false);
    expect(isLfsPointer(utf8(POINTER.padEnd(LFS_POINTER_MAX)))).to.equal(false);
    expect(isLfsPointer(Uint8Array.of(0xff, 0xfe))).to.equal(false);
  });

  it('are those of a namespace that the policy names', () => {
    const of = { namespaces: new Map([['main', policy]]) } as unknown as Policy;
    expect(namespacePolicy(of, 'main')).to.equal(policy);
    expect(() => namespacePolicy(of, 'other'))
      .to.throw(KvError)
      .with.property('code', 'POLICY_VIOLATION');
  });
});
