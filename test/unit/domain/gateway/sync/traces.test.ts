import { expect } from 'chai';
import { type EndedSpan, OtlpTracing } from '../../../../../adapters/tracing-otlp/open.js';
import { write } from '../../../../../domain/client/write/write.js';
import { utf8 } from '../../../../../domain/git/bytes.js';
import type { Span } from '../../../../../ports/tracing.js';
import { failure } from '../../../../support/failure.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';

const KEY = 'user:hidden-key';
const VALUE = 'hidden-value';

describe('the spans of a write', () => {
  let spans: EndedSpan[];
  let tracing: OtlpTracing;
  let gateway: MemoryGateway;
  let client: MemoryClient;

  beforeEach(async () => {
    spans = [];
    tracing = new OtlpTracing({ lost: 0, add: (span) => void spans.push(span), flush: async () => undefined });
    gateway = await MemoryGateway.start({ format: 'sha1', tracing });
    client = await openMemoryClient(gateway, 'ada');
  });
  afterEach(async () => {
    await client.close();
    await gateway.close();
  });

  const written = (key: string, span: Span) =>
    write({ ...client.clone, span }, { ns: 'main', operations: [{ op: 'set', key, value: utf8(VALUE), ctype: 'text/plain' }] });

  /** Each span with that which it is a part of, by their names. */
  const shape = (): string[] => {
    const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
    return spans.map(({ name, parentId }) => `${names.get(parentId ?? '') ?? '-'} > ${name}`).sort();
  };

  it('are one trace, from the client to the mirror', async () => {
    const root = tracing.begin('git-kv.write');
    const receipt = await written(KEY, root);
    root.end();
    await gateway.mirrored();
    expect(shape()).to.deep.equal(
      [
        ...['- > git-kv.write', 'git-kv.write > git-kv.sign', 'git-kv.write > git-kv.push', 'git-kv.push > stargate.session'],
        ...['stargate.session > stargate.validate', 'stargate.validate > stargate.lock', 'stargate.session > stargate.commit'],
        ...['stargate.commit > stargate.journal', 'stargate.commit > stargate.refs', 'stargate.commit > stargate.mirror'],
        'stargate.mirror > stargate.mirror.push',
      ].sort(),
    );
    expect(new Set(spans.map(({ traceId }) => traceId))).to.deep.equal(new Set([root.context?.traceId]));
    for (const name of ['stargate.validate', 'stargate.commit', 'stargate.mirror']) {
      expect(spans.find((span) => span.name === name)?.attributes['git_kv.txn'], name).to.deep.equal([receipt.txn]);
    }
    expect(JSON.stringify(spans)).not.to.match(/hidden/);
  });

  it('are one trace for an intent too, which others share a stream and a commit with', async () => {
    await gateway.publishMode('sequenced');
    const roots = [tracing.begin('git-kv.write'), tracing.begin('git-kv.write')];
    await Promise.all(roots.map((root, i) => written(`${KEY}${i}`, root)));
    for (const root of roots) root.end();
    await gateway.mirrored();
    for (const { context } of roots) {
      const own = new Map(spans.filter(({ traceId }) => traceId === context?.traceId).map((span) => [span.name, span]));
      for (const [name, parent] of [
        ['stargate.intent', 'git-kv.push'],
        ['stargate.validate', 'stargate.intent'],
        ['stargate.commit', 'stargate.intent'],
        ['stargate.refs', 'stargate.commit'],
        ['stargate.mirror', 'stargate.commit'],
      ] as const) {
        expect(own.get(name)?.parentId, name).to.equal(own.get(parent)?.spanId).and.not.equal(undefined);
      }
    }
    expect(JSON.stringify(spans)).not.to.match(/hidden/);
  });

  it('end with the code of what has refused it, and without the key that it names', async () => {
    gateway.policyNow = () => ({ ...gateway.policy, namespaces: new Map() });
    const root = tracing.begin('git-kv.write');
    await failure(written(KEY, root), 'POLICY_VIOLATION');
    const failed = spans.filter((span) => span.failed).map(({ name, attributes }) => [name, attributes['git_kv.code']]);
    expect(failed.map(([name]) => name))
      .to.include('stargate.validate')
      .and.not.include('stargate.commit');
    for (const [name, code] of failed) expect(code, String(name)).to.match(/^[A-Z_]+$/);
    expect(JSON.stringify(spans)).not.to.match(/hidden/);
  });

  it('tell of what still waits for the mirror when the gateway ends', async () => {
    gateway.mirror.away = true;
    const root = tracing.begin('git-kv.write');
    await written(KEY, root);
    await gateway.close();
    const mirror = spans.find(({ name }) => name === 'stargate.mirror');
    expect(mirror?.attributes['git_kv.code']).to.equal('INTERRUPTED');
    gateway = await MemoryGateway.start({ format: 'sha1' });
  });

  it('are none where nobody asks for them', async () => {
    await write(client.clone, { ns: 'main', operations: [{ op: 'set', key: KEY, value: utf8(VALUE), ctype: 'text/plain' }] });
    await gateway.mirrored();
    expect(spans.filter(({ name }) => name.startsWith('git-kv.'))).to.deep.equal([]);
  });
});
