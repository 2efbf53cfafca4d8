import { appendFileSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Place } from '../../support/worlds/place.js';

/** What steers a terminal: a write to its clipboard, colours by a C1 control, text that runs backwards, what nobody sees. */
export const EVIL = '\u001b]52;c;ZXZpbA==\u0007\u009b31m\u202eevil\u2066\u200f\u061c\u200b\u007f\u{e0041}';
/** Of it, what a commit's author may have. */
const EVIL_NAME = 'Eve \u202eevil\u2066\u200f\u061c';
/** Of it, what a key may have. */
export const EVIL_KEY = 'cfg:\u202eevil\u2066\u200f';

/** A clone whose mirror and whose Stargate put that wherever they can. The mirror's files are real, the Stargate is a program that prints. */
export class HostilePlace extends Place {
  /** Its newest ledger commit, and the one before. */
  ledger = '';
  before = '';

  static async make(): Promise<HostilePlace> {
    const place = new HostilePlace();
    const line = (fields: object): string => `${JSON.stringify({ op: 'set', ...fields })}\n`;
    const lines = [
      { key: EVIL_KEY, value: EVIL },
      { key: 'cfg:plain', value: 'x' },
    ];
    await place.ok(['mset', '-f', '-'], { input: lines.map(line).join('') });
    place.git('config', 'user.name', EVIL_NAME); // what created_by says
    await place.ok(['set', EVIL_KEY, '--value', `${EVIL} again`]);
    place.forge();
    return place;
  }

  private forge(): void {
    const commit = this.git('cat-file', 'commit', 'refs/kv/main');
    const forged = commit
      .replace(/^author .*? </m, `author ${EVIL_NAME} <`)
      .replace(/\n\n[^\n]*/, `\n\n${EVIL}`)
      .replace(/^Parent-Epoch: .*$/m, `Parent-Epoch: ${EVIL}`);
    this.before = /^parent (.*)$/m.exec(commit)?.[1] ?? '';
    this.ledger = this.write('commit', forged);
    const epoch = /^Epoch: (.*)$/m.exec(commit)?.[1] ?? '';
    const event = { v: 1, ns: 'main', epoch, oid: this.ledger, txn: EVIL, received: EVIL, signer: EVIL, set: 1, del: 0 };
    const ident = 'stargate <stargate@localhost> 1700000000 +0000';
    const empty = this.write('tree', '');
    const watchlog = this.write('commit', `tree ${empty}\nauthor ${ident}\ncommitter ${ident}\n\n${JSON.stringify(event)}\n`);
    this.git('update-ref', 'refs/kv/main', this.ledger);
    this.git('update-ref', `refs/kv-watchlog/main@${epoch}`, watchlog);
    const mirror = join(this.home, 'mirror.git');
    cpSync(join(this.repo, '.git'), mirror, { recursive: true });
    appendFileSync(join(mirror, 'config'), '[core]\n\tbare = true\n');
    this.stargate(mirror);
  }

  private write(type: string, content: string): string {
    const file = join(this.home, 'object');
    writeFileSync(file, content);
    return this.git('hash-object', '-w', '--literally', '-t', type, file).trim();
  }

  /** A program in the place of ssh. What it says to a verb is what the verb's report must look like, and no more. */
  private stargate(mirror: string): void {
    const answers = { status: STATUS, sync: SYNC, compact: COMPACT };
    for (const [verb, answer] of Object.entries(answers)) writeFileSync(join(this.home, verb), JSON.stringify(answer));
    writeFileSync(join(this.home, 'said'), `${EVIL}\nkv-error/1 ${JSON.stringify(REFUSAL)}\nfatal: ${EVIL}\n`);
    const program = join(this.home, 'ssh');
    const cases = Object.keys(answers).map((verb) => `*"' ${verb}"*) cat '${join(this.home, verb)}' ;;`);
    const script = `case "$*" in -G*) exit 0;; ${cases.join(' ')} *) cat '${join(this.home, 'said')}' >&2; exit 1;; esac\n`;
    writeFileSync(program, `#!/bin/sh\n${script}`, { mode: 0o755 });
    appendFileSync(
      join(this.repo, '.git', 'config'),
      `[remote "origin"]\n\turl = ${mirror}\n\tpushurl = ssh://eve@stargate.invalid/kv.git\n[core]\n\tsshCommand = ${program}\n`,
    );
  }
}

const REFUSAL = {
  code: 'POLICY_VIOLATION',
  message: `refused ${EVIL}`,
  hint: `try ${EVIL}`,
  details: { key: EVIL },
  advice: { id: 'no-such-advice', of: EVIL },
};

const STATUS = {
  leader: true,
  holder: EVIL,
  term: 1,
  uptime_s: 1,
  repository: EVIL,
  namespaces: [{ ns: EVIL, epoch: EVIL, ledger: EVIL }],
  policy: { in_force_since: EVIL, rejected: EVIL },
  host_keys: [{ type: EVIL, fingerprint: EVIL, state: 'next' }],
  mirror: {
    ...{ label: EVIL, breaker: EVIL, backlog: 0, missing: 0, last_success: EVIL, last_error: EVIL },
    ...{ refused: { [EVIL]: EVIL }, ahead: { [EVIL]: EVIL }, watermark: { [EVIL]: EVIL } },
  },
  disk: { free: 1, size: 1, full: EVIL },
  version: EVIL,
  [EVIL]: { [EVIL]: [EVIL] },
};

const SYNC = {
  ...{ mirror: EVIL, mode: EVIL, dry_run: true, same: 0, bundle: EVIL, left: [EVIL] },
  refs: [{ ref: EVIL, here: EVIL, there: EVIL, state: EVIL, action: EVIL }],
  namespaces: [
    { ns: EVIL, here: EVIL, there: EVIL, transactions: null, fault: EVIL },
    { ns: EVIL, here: EVIL, there: EVIL, transactions: 1, fault: null },
  ],
};

const COMPACT = {
  ...{ ns: EVIL, current: EVIL, keep_epochs: 1, kept: [EVIL], dry_run: false, reclaimed: true },
  ...{ bytes_before: 1, bytes_after: 1, bytes_freed: 1 },
  epochs: [{ epoch: EVIL, refs: [EVIL], bundle: EVIL, bundle_bytes: 1 }],
};
