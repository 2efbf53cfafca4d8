import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../prepare.mjs';

const FILE = join(ROOT, 'dist', 'test-times.json');
/** So many files are named at the end. */
const NAMED = 10;

/** How long each file took when it ran last, s, and a place for how long each takes now. */
export function lastTimes() {
  const last = read();
  const noted = [];
  return {
    noted,
    of: (file) => last[file],
    note: (result) => noted.push(result),
    /** Keeps what was noted for the next run. */
    keep() {
      const now = Object.fromEntries(noted.map(({ file, seconds }) => [file, seconds]));
      writeFileSync(FILE, JSON.stringify({ ...last, ...now }));
    },
  };
}

function read() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch {
    return {}; // the first run, or a file that a run was writing when it was killed: the order is a matter of time alone
  }
}

/** A table of the files that took longest, and what all of them computed. */
export function slowest(results) {
  const rows = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, NAMED);
  const total = results.reduce((sum, { processor }) => sum + processor, 0);
  const line = (seconds, processor, name) => `${seconds.padStart(7)} ${processor.padStart(10)}  ${name}`;
  const whole = (number) => String(Math.round(number));
  const lines = rows.map(({ file, seconds, processor }) => line(whole(seconds), whole(processor), file.replace(/\.js$/, '.ts')));
  return [line('seconds', 'processor', 'the files that took longest'), ...lines, line('', whole(total), 'all files')].join('\n');
}
