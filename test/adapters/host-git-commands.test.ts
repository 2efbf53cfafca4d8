import { expect } from 'chai';
import { CommandReader, isForNamespaces } from '../../adapters/host-git/service/receive/commands.js';
import { encodePkt, FLUSH_PKT } from '../../ports/index.js';

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];
const NONE = '0'.repeat(40);
const bytes = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? encodePkt(part) : part)));
const first = (line: string, capabilities = 'report-status atomic'): string => `${line}\0${capabilities}`;
const PACK = Buffer.from('PACK…');

describe('host-git: the commands of a push', () => {
  it('are read from pieces as they come, and what comes behind them is left', () => {
    const all = bytes(first(`${A} ${B} refs/kv/main`), `${NONE} ${B} refs/kv-index/main\n`, FLUSH_PKT, PACK);
    for (const cut of [1, 7, 60, all.length]) {
      const reader = new CommandReader();
      let read: ReturnType<CommandReader['push']>;
      for (let at = 0; at < all.length && read === undefined; at += cut) read = reader.push(all.subarray(at, at + cut));
      expect(read?.list?.commands, String(cut)).to.deep.equal([
        { old: A, next: B, ref: 'refs/kv/main' },
        { old: NONE, next: B, ref: 'refs/kv-index/main' },
      ]);
      expect([...(read?.list?.capabilities ?? [])]).to.deep.equal(['report-status', 'atomic']);
    }
    expect(Buffer.from(new CommandReader().push(all)?.rest ?? []).toString()).to.equal(PACK.toString());
  });

  it('are for git to answer where they are odd: an id of neither format, a shallow line, what is no packet', () => {
    const listOf = (...parts: readonly (string | Uint8Array)[]) => new CommandReader().push(bytes(...parts))?.list;
    for (const id of ['a'.repeat(39), 'a'.repeat(41), 'a'.repeat(63), 'A'.repeat(40)])
      expect(listOf(first(`${id} ${B} refs/kv/main`), FLUSH_PKT), id).to.equal(null);
    expect(listOf(first(`${'a'.repeat(64)} ${'b'.repeat(64)} refs/kv/main`), FLUSH_PKT)?.commands).to.have.length(1);
    expect(listOf(`shallow ${A}`, first(`${A} ${B} refs/kv/main`), FLUSH_PKT)).to.equal(null);
    expect(listOf(first(`${A} ${B} `), FLUSH_PKT)).to.equal(null);
    expect(new CommandReader().push(Buffer.from('zzzz'))?.list).to.equal(null);
    expect(listOf(first(`${A} ${B} refs/kv/main`)), 'more is to come').to.equal(undefined);
  });

  it('are handed on without the push options, whose text is a stranger’s', () => {
    const line = `${A} ${B} refs/kv/main`;
    const reader = new CommandReader();
    const read = reader.push(bytes(first(line, 'atomic push-options quiet'), FLUSH_PKT, 'evil=$(x)', FLUSH_PKT, PACK));
    expect(read?.list?.commands).to.have.length(1);
    expect(Buffer.from(reader.bytes).toString()).to.equal(bytes(first(line, 'atomic quiet'), FLUSH_PKT, PACK).toString());
  });

  it('are the gateway’s where each moves a ref of a namespace, once, to something', () => {
    const own = (...commands: readonly (readonly [string, string])[]): boolean =>
      isForNamespaces({ capabilities: new Set(), commands: commands.map(([ref, next]) => ({ old: A, next, ref })) });
    expect(own(['refs/kv/main', B], ['refs/kv-index/main', B])).to.equal(true);
    expect(own()).to.equal(false);
    expect(own(['refs/kv/main', B], ['refs/kv/main', A])).to.equal(false);
    expect(own(['refs/kv/main', NONE])).to.equal(false);
    for (const ref of ['refs/heads/main', 'refs/kv/../heads', 'refs/kvx/main', 'HEAD'])
      expect(own([ref, B]), ref).to.equal(false);
  });
});
