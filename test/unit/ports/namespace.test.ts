import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { isEpochLabel, isNamespace } from '../../../ports/grammar/namespace.js';

describe('grammar: namespaces and epoch labels', () => {
  it('are short, plain, and parts of a ref name', () => {
    for (const good of ['a', '0', 'team-1', 'a.b', 'a_b', 'a.lock.b', 'a'.repeat(63)]) {
      expect(isNamespace(good), good).to.equal(true);
      expect(isEpochLabel(good), good).to.equal(true);
      expect(spawnSync('git', ['check-ref-format', `refs/kv/${good}`]).status, good).to.equal(0);
    }
    for (const bad of ['', '-a', '.a', '_a', 'a..b', 'a.', 'a.lock', 'a/b', 'a b', 'a@b', 'ä', 'a\n', 'a'.repeat(64)]) {
      expect(isNamespace(bad), bad).to.equal(false);
      expect(isEpochLabel(bad), bad).to.equal(false);
    }
  });

  it('differ in upper case alone', () => {
    expect([isNamespace('2026Q1'), isEpochLabel('2026Q1')]).to.deep.equal([false, true]);
  });
});
