import { expect } from 'chai';
import {
  formatTraceparent,
  KvError,
  parseTraceparent,
  type SpanFacts,
  together,
  type TraceContext,
  type Tracing,
} from '../../ports/index.js';

/** A span as whoever collects them has it. Times in milliseconds since 1970. */
export interface DeliveredSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'client' | 'server';
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Readonly<Record<string, string | number | readonly string[]>>;
  readonly failed: boolean;
}

/** What records spans, and whoever collects them. */
export interface TracingBench {
  readonly tracing: Tracing;
  /** All that has come by now. */
  delivered(): readonly DeliveredSpan[];
  /** Nobody collects any more; undefined where there is nobody to go away. */
  readonly vanish: (() => Promise<void>) | undefined;
  dispose(): Promise<void>;
}

const REMOTE: TraceContext = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true };

/** What everything that records spans does, and what records none. */
export function tracingContract(name: string, factory: () => Promise<TracingBench>): void {
  describe(`tracing contract: ${name}`, function () {
    this.timeout(20_000);
    let bench: TracingBench;
    let tracing: Tracing;
    beforeEach(async () => {
      bench = await factory();
      tracing = bench.tracing;
    });
    afterEach(async () => {
      await tracing.close();
      await bench.dispose();
    });

    const delivered = async (): Promise<Map<string, DeliveredSpan>> => {
      await tracing.close();
      return new Map(bench.delivered().map((span) => [span.name, span]));
    };

    it('delivers a trace whole, each span with its parent and what it is', async () => {
      const root = tracing.begin('git-kv.write');
      const push = root.child('git-kv.push');
      const sign = push.child('git-kv.sign');
      root.end(); // a piece of work may go on longer than the whole
      sign.end();
      push.end();
      const spans = await delivered();
      if (!tracing.isOn) {
        expect(spans.size).to.equal(0);
        expect(root.context).to.equal(null);
        return;
      }
      expect([...spans.keys()]).to.have.members(['git-kv.write', 'git-kv.push', 'git-kv.sign']);
      const [write, pushed, signed] = ['git-kv.write', 'git-kv.push', 'git-kv.sign'].map((one) => spans.get(one));
      expect(write?.parentId).to.equal(null);
      expect([write?.kind, pushed?.kind]).to.deep.equal(['internal', 'client']);
      expect(pushed?.parentId).to.equal(write?.spanId);
      expect(signed?.parentId).to.equal(pushed?.spanId);
      expect(new Set([...spans.values()].map(({ traceId }) => traceId)).size).to.equal(1);
      expect(root.context).to.deep.equal({ traceId: write?.traceId, spanId: write?.spanId, sampled: true });
      expect(parseTraceparent(formatTraceparent(root.context as TraceContext))).to.deep.equal(root.context);
    });

    it('goes on from what another process has sent, and records nothing that it does not', async () => {
      const followed = tracing.begin('stargate.session', { parent: REMOTE });
      const silent = tracing.begin('stargate.session', { parent: { ...REMOTE, sampled: false } });
      silent.child('stargate.commit').end();
      for (const span of [silent, followed]) span.end();
      const spans = await delivered();
      if (!tracing.isOn) return expect(spans.size).to.equal(0);
      expect([...spans.keys()]).to.deep.equal(['stargate.session']);
      expect(spans.get('stargate.session')).to.include({ traceId: REMOTE.traceId, parentId: REMOTE.spanId, kind: 'server' });
      expect(silent.context?.traceId, 'and tells so on').to.equal(REMOTE.traceId);
      expect(silent.context?.sampled).to.equal(false);
    });

    it('takes a beginning and an end that have been', async () => {
      const before = Date.now() - 5000;
      const root = tracing.begin('stargate.session', { startedAt: before });
      root.child('stargate.receive', { startedAt: before + 0.5 }).end(undefined, before + 1000);
      root.end();
      const spans = await delivered();
      if (!tracing.isOn) return;
      expect(spans.get('stargate.session')?.startedAt).to.be.closeTo(before, 0.01);
      const received = spans.get('stargate.receive');
      expect(received?.startedAt).to.be.closeTo(before + 0.5, 0.01);
      expect(received?.endedAt).to.be.closeTo(before + 1000, 0.01);
      expect(spans.get('stargate.session')?.endedAt).to.be.closeTo(Date.now(), 2000);
    });

    it('tells facts, bounded and by their names, and nothing else', async () => {
      const stray = { ...{ txn: ['T1', 'T2'], bytes: 7 }, key: 'user:1', message: 'secret' } as SpanFacts;
      const span = tracing.begin('stargate.session', { facts: stray });
      span.note({ code: 'x'.repeat(10_000), ns: Array.from({ length: 10_000 }, (_, i) => `n${i}`) });
      span.note({ bytes: 8 });
      span.end();
      span.note({ bytes: 9 });
      span.end(new KvError('IO_ERROR', 'too late'));
      const spans = await delivered();
      if (!tracing.isOn) return;
      const { attributes = {}, failed } = spans.get('stargate.session') ?? {};
      expect(Object.keys(attributes)).to.have.members(['git_kv.txn', 'git_kv.bytes', 'git_kv.code', 'git_kv.ns']);
      expect(attributes['git_kv.txn']).to.deep.equal(['T1', 'T2']);
      expect(Number(attributes['git_kv.bytes'])).to.equal(8);
      expect(attributes['git_kv.code']).to.have.length(100);
      expect(attributes['git_kv.ns']).to.have.length(100);
      expect(failed).to.equal(false);
    });

    it('leaves of an error its code alone', async () => {
      const root = tracing.begin('stargate.session');
      root
        .child('stargate.validate')
        .end(new KvError('POLICY_VIOLATION', "key 'user:1' may not hold 'hunter2'", { hint: 'user:1' }));
      root.child('stargate.commit').end(new TypeError('hunter2'));
      root.end();
      const spans = await delivered();
      if (!tracing.isOn) return;
      expect(spans.get('stargate.validate')?.attributes).to.deep.equal({ 'git_kv.code': 'POLICY_VIOLATION' });
      expect(spans.get('stargate.commit')?.attributes).to.deep.equal({ 'git_kv.code': 'UNEXPECTED' });
      expect([spans.get('stargate.validate')?.failed, spans.get('stargate.session')?.failed]).to.deep.equal([true, false]);
      expect(JSON.stringify([...spans.values()])).not.to.match(/hunter2|user:1/);
    });

    it('says of work that belongs to several traces the same in each', async () => {
      const roots = [tracing.begin('stargate.session'), tracing.begin('stargate.session')];
      const work = together(roots.map((root) => root.child('stargate.commit')));
      work.child('stargate.journal').end();
      work.note({ batch: 2 });
      work.end();
      await tracing.close();
      const delivered = bench.delivered();
      if (!tracing.isOn) return expect(delivered).to.deep.equal([]);
      for (const { context } of roots) {
        const [journal, commit] = ['stargate.journal', 'stargate.commit'].map((name) =>
          delivered.find((span) => span.name === name && span.traceId === context?.traceId),
        );
        expect(journal?.parentId).to.equal(commit?.spanId);
        expect(Number(commit?.attributes['git_kv.batch'])).to.equal(2);
      }
    });

    it('may be closed twice, and drops what ends later', async () => {
      const span = tracing.begin('stargate.session');
      await tracing.close();
      span.child('stargate.commit').end();
      span.end();
      await tracing.close();
      expect(bench.delivered()).to.deep.equal([]);
    });

    it('counts what nobody has taken, and waits for nobody', async function () {
      if (bench.vanish === undefined) return this.skip();
      await bench.vanish();
      tracing.begin('stargate.session').end();
      expect(tracing.lost).to.equal(0);
      const begun = Date.now();
      await tracing.close();
      expect(Date.now() - begun).to.be.lessThan(10_000);
      expect(tracing.lost).to.equal(1);
    });
  });
}
