import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CHECKS } from '../../../apps/stargate/check/checks.js';
import { BUILTIN_PROFILES } from '../../../plugins/host/builtin-profiles.js';
import { SPANS } from '../../../ports/tracing.js';
import { ROOT } from '../../support/root.js';

const page = (name: string): string => readFileSync(join(ROOT, 'docs', `${name}.md`), 'utf8');
const STARGATE = join(ROOT, 'apps', 'stargate');
/** What its files say, one after the other. */
const source = readdirSync(STARGATE, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(STARGATE, name), 'utf8'))
  .join('\n');

/** Where operators look. */
const pages = ['OPERATIONS', 'CLUSTER', 'PLUGINS'].map(page).join('\n');

/** Every event that is written to the log: as a call has it, or as a line that is formatted by itself. */
const events = [
  ...new Set(
    [...source.matchAll(/(?:\.(?:info|warn|error)\(|formatLine\([^']*'error', [^']*)\s*'([a-z][a-z.-]+)'/g)].map(
      ([, name]) => name,
    ),
  ),
];
const metrics = [...new Set([...source.matchAll(/'(stargate_[a-z_]+)'/g)].map(([, name]) => name))];

describe('the pages of operators', () => {
  it('name every event of the log', () => {
    expect(events).to.include.members(['push.accepted', 'log.lost', 'cluster.root-won', 'ready']);
    expect(events.filter((name) => !pages.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('have no event that is not written', () => {
    const rows = [...pages.matchAll(/^\| event \|.*\n\|.*\n((?:\|.*\n)+)/gm)].flatMap(([, table = '']) =>
      table.trim().split('\n'),
    );
    const told = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(told).to.include('uncaught');
    expect(told.filter((name) => !events.includes(name))).to.deep.equal([]);
  });

  it('name every metric, and no other', () => {
    const told = [...pages.matchAll(/\bstargate_[a-z_]+/g)].map(([name]) => name);
    const short = [...pages.matchAll(/`stargate_cluster_term`, (.*)\./g)].flatMap(([, rest = '']) =>
      [...rest.matchAll(/`_([a-z]+)`/g)].map(([, name]) => `stargate_cluster_${name}`),
    );
    expect([...new Set([...told, ...short])]).to.have.members(metrics);
  });

  it('name every span', () => {
    const text = page('OPERATIONS');
    expect(Object.keys(SPANS).filter((name) => !text.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('have a row for everything that `check` looks at, in its order', () => {
    const [, table = ''] = /^\| check \|.*\n\|.*\n((?:\|.*\n)+)/m.exec(page('OPERATIONS')) ?? [];
    expect([...table.matchAll(/^\| `([a-z ]+)` \|/gm)].map(([, name]) => name)).to.deep.equal(CHECKS.map(({ name }) => name));
  });

  it('name every built-in profile', () => {
    const [intro = ''] = page('PROFILES').split('```');
    expect(Object.keys(BUILTIN_PROFILES).filter((name) => !intro.includes(`\`${name}\``))).to.deep.equal([]);
  });
});
