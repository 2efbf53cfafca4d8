import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of the kernel's clock in a second, as Linux tells programs of it on every machine. */
const TICKS = 100;

/**
 * How long this process and the others of its group have computed, with those that they have waited for, s. Elsewhere than on Linux: this
 * process alone.
 */
export function processorSeconds() {
  if (process.platform !== 'linux') {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ticks = all.map((id) => ticksIn(id, process.pid));
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS;
}

/** utime, stime, cutime and cstime of proc(5), where the process is of that group; its name, which may hold spaces, and what is before it are cut off. */
function ticksIn(id, group) {
  let stat;
  try {
    stat = readFileSync(`/proc/${id}/stat`, 'utf8');
  } catch {
    return 0; // it has ended meanwhile
  }
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return fields[2] === group ? fields.slice(11, 15).reduce((sum, each) => sum + each, 0) : 0;
}
