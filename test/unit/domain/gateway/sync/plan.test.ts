import { expect } from 'chai';
import type { SyncMode } from '../../../../../domain/admin/sync.js';
import type { Relation } from '../../../../../domain/gateway/sync/continuation.js';
import type { Judged, RefState } from '../../../../../domain/gateway/sync/differences.js';
import { isOrdinary, leftOver, plan, type SyncAction } from '../../../../../domain/gateway/sync/plan-sync.js';
import { POLICY_REF } from '../../../../../domain/ledger/refs.js';
import { KvError } from '../../../../../ports/error.js';

const STATES: readonly RefState[] = ['missing', 'older', 'newer', 'unsound', 'apart', 'extra'];
const MODES: readonly SyncMode[] = ['audit', 'repair', 'force', 'hard', 'adopt'];

/** A ref in a state, as it was judged. */
const judged = (ref: string, state: RefState, ns: string | null = null): Judged => ({
  ...{ ref, ns, state, plain: false },
  here: state === 'extra' ? null : 'h',
  there: state === 'missing' ? null : 't',
});
const ahead = (more: Partial<Extract<Relation, { kind: 'ahead' }>> = {}): Relation => ({
  ...{ kind: 'ahead', here: 'h', there: 't', continuation: { updates: [], events: [] }, held: null },
  ...more,
});
const apart = (fault: KvError | null = null, here: string | null = 'h'): Relation => ({ kind: 'apart', here, there: 't', fault });

/** What each mode does about a ref in each state, in the order of the states above. */
const done = (ref: string, ns: string | null = null, relation?: Relation): Record<string, SyncAction[]> =>
  Object.fromEntries(MODES.map((mode) => [mode, STATES.map((state) => plan(judged(ref, state, ns), mode, relation).action)]));

/** What is done wherever nothing is taken over. */
const PUSHING = {
  audit: ['none', 'none', 'none', 'none', 'none', 'none'],
  repair: ['push', 'push', 'none', 'none', 'none', 'none'],
  force: ['push', 'push', 'overwrite', 'overwrite', 'overwrite', 'none'],
  hard: ['push', 'push', 'overwrite', 'overwrite', 'overwrite', 'delete'],
};
const NOTHING = PUSHING.audit;

describe('what a sync does about refs that differ', () => {
  it('is what the mode says of a branch', () => {
    expect(done('refs/heads/a')).to.deep.equal({ ...PUSHING, adopt: ['none', 'none', 'adopt', 'none', 'none', 'adopt'] });
  });

  it('takes over a namespace only when all that the mirror has beyond was verified', () => {
    const taken = { ...PUSHING, adopt: ['none', 'none', 'adopt', 'none', 'none', 'none'] };
    expect(done('refs/kv/main', 'main', ahead())).to.deep.equal(taken);
    for (const relation of [undefined, { kind: 'contained' } as const, apart(), ahead({ continuation: null })])
      expect(done('refs/kv/main', 'main', relation), relation?.kind).to.deep.equal({ ...PUSHING, adopt: NOTHING });
  });

  it('goes on from whatever the mirror shows of the published policy', () => {
    expect(done(POLICY_REF)).to.deep.equal({ ...PUSHING, adopt: ['none', 'none', 'adopt', 'none', 'adopt', 'none'] });
  });

  it('leaves namespaces to be moved whole, and branches and tags each by itself', () => {
    const refs = ['refs/heads/a', 'refs/tags/v1', 'refs/kv/main', POLICY_REF, 'refs/notes/x'];
    expect(refs.filter((ref) => isOrdinary(judged(ref, 'apart')))).to.deep.equal(['refs/heads/a', 'refs/tags/v1']);
  });
});

describe('what a sync leaves for somebody to decide', () => {
  const left = (...planned: (readonly [ref: string, state: RefState, ns?: string | null, action?: SyncAction])[]) =>
    planned.map(([ref, state, ns = null, action = 'none']) => ({ ...judged(ref, state, ns), action }));
  const lines = (relations: Readonly<Record<string, Relation>>, ...planned: Parameters<typeof left>): string[] =>
    leftOver(left(...planned), new Map(Object.entries(relations)));

  it('is what the mirror has and not the Stargate, unless something is done about it', () => {
    const all = STATES.map((state) => [`refs/heads/${state}`, state] as const);
    expect(lines({}, ...all)).to.deep.equal([
      'refs/heads/newer: here h, there t: the mirror goes on from here',
      'refs/heads/unsound: here h, there t: the mirror goes on from here with what no Stargate has accepted',
      'refs/heads/apart: here h, there t: neither leads to the other',
    ]);
    expect(lines({}, ...STATES.map((state) => ['refs/heads/a', state, null, 'overwrite'] as const))).to.deep.equal([]);
    const unborn = { ...judged('refs/heads/a', 'newer'), here: null, action: 'none' as const };
    expect(leftOver([unborn], new Map())).to.deep.equal(['refs/heads/a: here nothing, there t: the mirror goes on from here']);
  });

  it('is said once a namespace, with both of its tips and why', () => {
    const refs = [
      ['refs/kv/main', 'newer', 'main'],
      ['refs/kv-index/main', 'newer', 'main'],
      ['refs/heads/a', 'apart'],
      ['refs/kv/other', 'apart', 'other'],
    ] as const;
    const relations = { main: ahead(), other: apart(null, null) };
    expect(lines(relations, ...refs)).to.deep.equal([
      'namespace main: here h, there t: the mirror goes on from here',
      'refs/heads/a: here h, there t: neither leads to the other',
      'namespace other: here nothing, there t: neither leads to the other',
    ]);
    const why = new KvError('SIGNER_UNKNOWN', 'because');
    for (const relation of [ahead({ held: why }), apart(why)])
      expect(lines({ main: relation }, ['refs/kv/main', 'newer', 'main'])).to.deep.equal([
        'namespace main: here h, there t: because',
      ]);
  });

  it('is said of each ref of a namespace whose ledgers are no question', () => {
    for (const relations of [{}, { main: { kind: 'contained' } as const }])
      expect(lines(relations, ['refs/kv-index/main', 'unsound', 'main'], ['refs/kv-epoch/main', 'apart', 'main'])).to.deep.equal([
        'refs/kv-index/main: here h, there t: the mirror goes on from here with what no Stargate has accepted',
        'refs/kv-epoch/main: here h, there t: neither leads to the other',
      ]);
  });

  it('is said in its own words of published policies that have gone apart', () => {
    const [apart, newer] = lines({}, [POLICY_REF, 'apart'], [POLICY_REF, 'newer']);
    expect(apart).to.equal(
      `${POLICY_REF}: here h, there t: both have published policies; taken over, the mirror's are gone on from`,
    );
    expect(newer).to.equal(`${POLICY_REF}: here h, there t: the mirror goes on from here`);
  });
});
