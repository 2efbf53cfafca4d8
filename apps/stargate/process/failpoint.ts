const hits = new Map<string, number>();

/**
 * Kills the process with SIGKILL where GIT_KV_FAILPOINT names this point: `name`, or `name:N` for the Nth time it is reached.
 * For crash tests; without the variable it does nothing.
 */
export function failpoint(name: string): void {
  const wanted = process.env['GIT_KV_FAILPOINT'];
  if (wanted === undefined || wanted === '') return;
  const count = (hits.get(name) ?? 0) + 1;
  hits.set(name, count);
  if (wanted === name || wanted === `${name}:${count}`) process.kill(process.pid, 'SIGKILL');
}
