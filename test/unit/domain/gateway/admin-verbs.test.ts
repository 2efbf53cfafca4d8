import { expect } from 'chai';
import fc from 'fast-check';
import { COMPACT, type CompactArguments, type CompactReport } from '../../../../domain/admin/compact.js';
import { STATUS, type StatusReport } from '../../../../domain/admin/status.js';
import type { AdminClient } from '../../../../ports/clone/admin-client.js';
import { askStargate, readReport } from '../../../../domain/admin/verb.js';
import { type ErrorCode, KvError } from '../../../../ports/error.js';

const STATUS_REPORT: StatusReport = {
  leader: true,
  holder: 'host:1',
  term: 3,
  uptime_s: 12,
  repository: '/srv/shop.git',
  namespaces: [
    { ns: 'main', epoch: '2026Q4', ledger: 'a'.repeat(40) },
    { ns: 'new', epoch: null, ledger: null },
  ],
  policy: { in_force_since: '2026-10-01T00:00:00Z', rejected: null },
  mirror: {
    ...{ label: 'host', breaker: 'closed', backlog: 0, missing: 0, last_success: null, last_error: null },
    ...{ refused: { main: 'GIT_ERROR: no' }, watermark: { main: 'a'.repeat(40) } },
  },
  version: '0.1.0',
};

const COMPACT_REPORT: CompactReport = {
  ...{ ns: 'main', current: 'c', keep_epochs: 1, kept: ['b'], dry_run: false },
  epochs: [{ epoch: 'a', refs: ['refs/kv-archive/main@a'], bundle: '/srv/a.bundle', bundle_bytes: 512 }],
  ...{ bytes_before: 900, bytes_after: 300, bytes_freed: 600, reclaimed: true },
};

const label = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,20}$/);
const compactArguments: fc.Arbitrary<CompactArguments> = fc.record({
  ns: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
  label: fc.option(label, { nil: undefined }),
  dryRun: fc.boolean(),
});

function refusal(act: () => unknown, code: ErrorCode): KvError {
  try {
    act();
  } catch (error) {
    if (KvError.is(error) && error.code === code) return error;
    throw error;
  }
  throw new Error(`not refused with ${code}`);
}

/** A copy of a report with one field, named by its path, replaced; left out when there is no value. */
function replaced(report: object, path: readonly (string | number)[], value?: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(report)) as Record<string | number, unknown>;
  const parent = path.slice(0, -1).reduce((at, name) => at[name] as Record<string | number, unknown>, copy);
  const last = path.at(-1) as string | number;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

describe('admin verbs', () => {
  it('compact: its arguments come back from their words', () => {
    fc.assert(fc.property(compactArguments, (args) => void expect(COMPACT.decode(COMPACT.encode(args))).to.deep.equal(args)));
  });

  it('compact: the words are those of every version', () => {
    expect(COMPACT.encode({ ns: 'main', label: undefined, dryRun: false })).to.deep.equal(['main']);
    expect(COMPACT.encode({ ns: 'main', label: 'v1', dryRun: true })).to.deep.equal(['main', '--epoch', 'v1', '--dry-run']);
    expect(COMPACT.decode(['main', '--dry-run', '--epoch', 'v1'])).to.deep.equal({ ns: 'main', label: 'v1', dryRun: true });
  });

  for (const [words, says] of [
    [[], "'compact' wants a namespace, and got ''"],
    [['../x'], "'compact' wants a namespace, and got '../x'"],
    [['main', '--force'], "'compact' does not know '--force'"],
    [['main', '--epoch'], '"" is no epoch label'],
    [['main', '--epoch', '../../x'], '"../../x" is no epoch label'],
    [['main', 'v1'], "'compact' does not know 'v1'"],
  ] as const) {
    it(`compact: refuses ${JSON.stringify(words)}`, () => {
      expect(refusal(() => COMPACT.decode(words), 'USAGE').message).to.equal(says);
    });
  }

  it('status: takes no words', () => {
    expect(STATUS.decode(STATUS.encode({}))).to.deep.equal({});
    expect(refusal(() => STATUS.decode(['now']), 'USAGE').message).to.equal("'status' takes no arguments, and got 'now'");
  });

  for (const [verb, report] of [
    [STATUS, STATUS_REPORT],
    [COMPACT, COMPACT_REPORT],
  ] as const) {
    const read = (answer: unknown): unknown => readReport(verb as Parameters<typeof readReport>[0], answer);

    it(`${verb.name}: a report crosses as JSON, with what a later version adds`, () => {
      const sent: unknown = { ...(JSON.parse(JSON.stringify(report)) as object), added: { later: [1] } };
      expect(read(sent)).to.deep.equal({ ...report, added: { later: [1] } });
    });

    it(`${verb.name}: any field that is missing or of another type is named`, () => {
      for (const name of Object.keys(report)) {
        for (const answer of [
          replaced(report, [name]),
          replaced(report, [name], { not: 'this' }),
          replaced(report, [name], -0.5),
        ]) {
          const error = refusal(() => read(answer), 'FORMAT_UNSUPPORTED');
          expect(error.message).to.contain(`'${verb.name}'`).and.to.contain(`'${name}'`);
          expect(error.details).to.deep.equal({ verb: verb.name, field: name });
        }
      }
    });

    it(`${verb.name}: what is no object is no report`, () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.constant(report))), (answer) => {
          expect(refusal(() => read(answer), 'FORMAT_UNSUPPORTED').message).to.contain(`'${verb.name}'`);
        }),
      );
    });
  }

  it('looks into what a report holds', () => {
    for (const [path, value] of [
      [['mirror', 'backlog'], '3'],
      [['mirror', 'refused', 'main'], 7],
      [['mirror', 'watermark'], ['a']],
      [['namespaces', 1, 'epoch'], 4],
      [['policy', 'rejected'], true],
    ] as const) {
      const error = refusal(() => readReport(STATUS, replaced(STATUS_REPORT, path, value)), 'FORMAT_UNSUPPORTED');
      expect(error.details).to.include({ field: path[0] });
    }
    const keys = [{ type: 'ssh-ed25519', fingerprint: 'SHA256:x', state: 'in-use' }];
    expect(readReport(STATUS, { ...STATUS_REPORT, host_keys: keys }).host_keys, 'absent from older ones').to.equal(keys);
    const odd = { ...STATUS_REPORT, host_keys: [{ ...keys[0], state: 'gone' }] };
    expect(refusal(() => readReport(STATUS, odd), 'FORMAT_UNSUPPORTED').details).to.include({ field: 'host_keys' });
    const answer = replaced(COMPACT_REPORT, ['epochs', 0, 'refs', 0], null);
    expect(refusal(() => readReport(COMPACT, answer), 'FORMAT_UNSUPPORTED').details).to.include({ field: 'epochs' });
  });

  it('are asked by name and words, and answered with a report', async () => {
    const asked: unknown[] = [];
    const stargate: AdminClient = {
      async run(...call) {
        asked.push(call);
        return COMPACT_REPORT;
      },
      hold: () => Promise.reject(new Error('nobody asked for that')),
      pinHostKey: () => Promise.reject(new Error('nobody asked for that')),
    };
    const args = { ns: 'main', label: 'a', dryRun: false };
    expect(await askStargate(stargate, 'origin', COMPACT, args)).to.deep.equal(COMPACT_REPORT);
    expect(asked).to.deep.equal([['origin', 'compact', ['main', '--epoch', 'a']]]);
  });
});
