import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { COMMANDS } from '../../apps/cli/commands/index.js';
import { runBytes } from '../support/programs/processes.js';
import { EVIL, EVIL_KEY, HostilePlace } from './terminal/hostile-place.js';

const RUNNER = fileURLToPath(new URL('terminal/runner.js', import.meta.url));

/** Nothing of this may reach a terminal. Not the product's own list: all controls but line ends and tabs, and all that turns or hides text. */
const STEERING = /(?![\n\t])\p{Cc}|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
/** How a line of progress is cleared: the program's own words. */
const CLEARED = '\r\u001b[K';

describe('what a hostile mirror and a hostile Stargate make of a terminal', () => {
  /** By command. `shows`: what they have written is in the output, made harmless. */
  const lines = (at: HostilePlace): Record<string, { shows?: true; run: string[][] }> => ({
    init: { run: [['init', '--ns', 'other']] },
    'remote:setup': { shows: true, run: [['remote', 'setup', '--url', 'ssh://eve@stargate.invalid/kv.git']] },
    get: {
      shows: true,
      run: [
        ['get', EVIL_KEY],
        ['get', EVIL_KEY, '--json'],
        ['get', '--prefix', 'cfg:'],
        ['get', '--prefix', 'cfg:', '-z'],
        ['get', `${EVIL_KEY}none`],
      ],
    },
    set: {
      shows: true,
      run: [
        ['set', EVIL_KEY, '--value', EVIL],
        ['set', EVIL_KEY, '--value', EVIL, '--json'],
      ],
    },
    del: { shows: true, run: [['del', EVIL_KEY, `${EVIL_KEY}none`, '--dry-run']] },
    mset: {
      shows: true,
      run: [
        ['mset', '-f', 'bad.jsonl'],
        ['mset', '-f', 'good.jsonl', '-n'],
      ],
    },
    'cas:set': { shows: true, run: [['cas', 'set', EVIL_KEY, '--value', 'x', '--expect-blob', 'none']] },
    list: {
      shows: true,
      run: [
        ['list'],
        ['list', '--long'],
        ['list', '-z'],
        ['list', '--values'],
        ['list', '--json'],
        ['list', '--read-from=stargate'],
      ],
    },
    history: {
      shows: true,
      run: [
        ['history', EVIL_KEY],
        ['history', EVIL_KEY, '--epochs', '--json'],
      ],
    },
    diff: {
      shows: true,
      run: [
        ['diff', at.before, at.ledger],
        ['diff', '2 days ago', at.ledger],
      ],
    },
    blame: { shows: true, run: [['blame'], ['blame', '--commits']] },
    revert: { shows: true, run: [['revert', at.ledger, '--dry-run']] },
    restore: { shows: true, run: [['restore', EVIL_KEY, '--at', at.ledger, '-n']] },
    watch: {
      shows: true,
      run: [
        ['watch', '--once', '--since', 'oldest'],
        ['watch', '--once', '--since', 'oldest', '--json'],
      ],
    },
    wait: { run: [['wait', '--oid', at.before, '--visible-on=mirror', '--timeout', '1ms']] },
    snapshot: { shows: true, run: [['snapshot', '--export', '-', '--provenance']] },
    import: {
      shows: true,
      run: [
        ['import', 'bad.jsonl'],
        ['import', 'good.jsonl', '--dry-run'],
      ],
    },
    'reality:new': {
      run: [
        ['reality', 'new', EVIL],
        ['reality', 'new', 'odd'],
        ['--reality', 'odd', 'set', EVIL_KEY, '--value', EVIL],
      ],
    },
    'reality:list': { run: [['reality', 'list']] },
    'reality:diff': {
      run: [
        ['reality', 'diff', 'odd', '--now'],
        ['reality', 'diff', EVIL],
      ],
    },
    'reality:validate': {
      run: [
        ['reality', 'validate', 'odd'],
        ['reality', 'validate', EVIL, '--json'],
      ],
    },
    'reality:promote': {
      run: [
        ['reality', 'promote', 'odd', '--dry-run'],
        ['reality', 'promote', EVIL],
      ],
    },
    'reality:drop': { run: [['reality', 'drop', EVIL]] },
    'mirror:import': { run: [['mirror', 'import', EVIL]] },
    'plugin:new': {
      run: [
        ['plugin', 'new', 'mirror', EVIL],
        ['plugin', 'new', EVIL, 'mine'],
      ],
    },
    // They ask nobody's mirror or Stargate, but npm; and they end the process by themselves.
    'plugins:install': { run: [] },
    'plugins:list': { run: [] },
    'plugins:uninstall': { run: [] },
    verify: {
      shows: true,
      run: [
        ['verify', '--full'],
        ['verify', '--full', '--json'],
      ],
    },
    'epoch:new': { shows: true, run: [['epoch', 'new', '--label', 'next']] },
    compact: { shows: true, run: [['compact'], ['compact', '--json']] },
    'stargate:status': {
      shows: true,
      run: [
        ['stargate', 'status'],
        ['stargate', 'status', '--json'],
      ],
    },
    'stargate:sync': {
      shows: true,
      run: [
        ['stargate', 'sync'],
        ['stargate', 'sync', '--repair'],
      ],
    },
    completion: { run: [['completion', 'bash']] },
    help: { run: [['help'], ['get', '-h'], [EVIL], ['get', `--${EVIL}`], ['stargate', EVIL]] },
    'help:exit-codes': { run: [['help', 'exit-codes']] },
  });

  /** Of what both outputs have shown, the JSON: a document that is an error is followed by its words, an event is a line. */
  const documentIn = (words: string): string =>
    words.slice(words.startsWith('{') ? 0 : words.indexOf('\n{') + 1).replace(/\n(?:error|hint|resume|warning)\b.*$/s, '');

  let place: HostilePlace;
  const shown = new Map<string, string[]>();
  before(async () => {
    place = await HostilePlace.make();
    mkdirSync(join(place.repo, 'folder'));
    writeFileSync(
      join(place.repo, 'bad.jsonl'),
      `${JSON.stringify({ op: EVIL, key: EVIL })}\n{"op":"set","key":${JSON.stringify(EVIL)}}\n`,
    );
    writeFileSync(join(place.repo, 'good.jsonl'), `${JSON.stringify({ op: 'set', key: EVIL_KEY, value: 'x' })}\n`);
    const table = Object.entries(lines(place));
    const all = table.flatMap(([id, { run }]) => run.map((args) => ({ id, args })));
    const list = JSON.stringify(all.map(({ args }) => args));
    const env = { ...place.env, NO_COLOR: '1' };
    const { stdout, stderr, code } = await runBytes(process.execPath, [RUNNER, list], { cwd: place.repo, env });
    expect([code, stderr]).to.deep.equal([0, '']);
    const outputs = JSON.parse(stdout.toString()) as string[];
    for (const [i, { id }] of all.entries()) shown.set(id, [...(shown.get(id) ?? []), outputs[i] ?? '']);
  });
  after(() => place.remove());

  for (const id of Object.keys(COMMANDS)) {
    it(`git kv ${id.replace(':', ' ')}`, () => {
      const entry = lines(place)[id];
      if (entry === undefined) throw new Error(`${id} is new: give its command lines here`);
      const outputs = shown.get(id) ?? [];
      for (const [i, output] of outputs.entries()) {
        const words = output.replaceAll(CLEARED, '');
        expect(words, `${entry.run[i]?.join(' ')}`)
          .not.to.match(STEERING)
          .and.not.to.equal('');
        if (process.env['SHOW'] !== undefined) console.log(`$ git kv ${entry.run[i]?.join(' ')}\n${words}`);
        if (entry.run[i]?.includes('--json') && words.includes('{"')) JSON.parse(documentIn(words));
      }
      if (entry.shows) expect(outputs.join('')).to.match(/\\u(?:001b|202e)/);
    });
  }
});
