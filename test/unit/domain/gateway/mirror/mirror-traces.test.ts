import { expect } from 'chai';
import { type EndedSpan, OtlpTracing } from '../../../../../adapters/tracing-otlp/open.js';
import { MirrorTraces } from '../../../../../domain/gateway/mirror/traces.js';
import { KvError } from '../../../../../ports/error.js';
import type { IntentRecord } from '../../../../../ports/stargate/journal.js';
import { NO_SPAN, type Span } from '../../../../../ports/tracing.js';

/** As many as are followed at a time. */
const MOST = 10_000;

describe('the spans of what waits for the mirror', () => {
  let spans: EndedSpan[];
  let traces: MirrorTraces;
  let commit: Span;
  beforeEach(() => {
    spans = [];
    const tracing = new OtlpTracing({ lost: 0, add: (span) => void spans.push(span), flush: async () => undefined });
    commit = tracing.begin('stargate.commit');
    traces = new MirrorTraces();
  });

  const intent = (id: string, ...of: readonly (readonly [txn: string, ns: string])[]): IntentRecord => ({
    ...{ kind: 'intent', id, term: 1, ts: '2026-01-01T00:00:00Z', updates: [] },
    events: of.map(([txn, ns]) => ({
      ...{ v: 1, ns, epoch: '2026', oid: '0'.repeat(40), txn, received: '2026-01-01T00:00:00Z' },
      ...{ signer: '-', set: 1, del: 0, parentEpoch: null },
    })),
  });
  const told = () => spans.map(({ name, attributes, failed }) => ({ name, attributes, failed }));

  it('last until the mirror shows it, and say what it is, with how many it went, and how often that was tried', () => {
    traces.begin(intent('a', ['t1', 'main'], ['t2', 'main'], ['t3', 'seq']), commit);
    traces.begin(intent('b', ['t4', 'main']), commit);
    traces.failed(['a', 'unknown']);
    traces.failed(['a']);
    expect(spans).to.deep.equal([]);
    traces.landed([intent('a'), intent('unknown')], 1234);
    expect(told()).to.deep.equal([
      { name: 'stargate.mirror.push', attributes: { 'git_kv.batch': 2 }, failed: false },
      {
        name: 'stargate.mirror',
        attributes: {
          ...{ 'git_kv.txn': ['t1', 't2', 't3'], 'git_kv.ns': ['main', 'seq'] },
          ...{ 'git_kv.code': 'OK', 'git_kv.retries': 2 },
        },
        failed: false,
      },
    ]);
    expect([spans[0]?.startedAt, spans[0]?.parentId]).to.deep.equal([1234, spans[1]?.spanId]);
    expect([spans[1]?.traceId, spans[1]?.parentId]).to.deep.equal([commit.context?.traceId, commit.context?.spanId]);
    traces.landed([intent('a')], 1234);
    expect(spans, 'of each once').to.have.length(2);
    traces.begin(intent('a', ['t5', 'main']), commit);
    traces.landed([intent('a'), intent('b')], 1);
    const retries = spans.filter(({ name }) => name === 'stargate.mirror').map(({ attributes }) => attributes['git_kv.retries']);
    expect(retries, 'tries of what has landed are forgotten').to.deep.equal([2, 0, 0]);
  });

  it('end with what has stopped the worker, and are nobody else’s then', () => {
    traces.begin(intent('a', ['t1', 'main']), commit);
    traces.stop(new KvError('INTERRUPTED', 'stopped'));
    expect(told()).to.deep.equal([
      {
        name: 'stargate.mirror',
        attributes: { 'git_kv.txn': ['t1'], 'git_kv.ns': ['main'], 'git_kv.code': 'INTERRUPTED' },
        failed: true,
      },
    ]);
    traces.landed([intent('a')], 1);
    expect(spans).to.have.length(1);
  });

  it('are none of what nobody follows', () => {
    traces.begin(intent('a', ['t1', 'main']), NO_SPAN);
    const unfollowed: Span = { ...commit, context: null };
    traces.begin(intent('b', ['t2', 'main']), unfollowed);
    traces.failed(['a', 'b']);
    traces.landed([intent('a'), intent('b')], 1);
    traces.stop(undefined);
    expect(spans).to.deep.equal([]);
  });

  it('are of no more than so many at a time', () => {
    for (let i = 0; i < MOST + 2; i++) traces.begin(intent(`i${i}`, ['t', 'main']), commit);
    traces.landed([intent(`i${MOST - 1}`), intent(`i${MOST}`)], 1);
    expect(spans).to.have.length(2);
    traces.begin(intent('again', ['t', 'main']), commit);
    traces.stop(undefined);
    expect(spans, 'there is room again').to.have.length(2 + MOST);
  });
});
