import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Skips a test where a program is missing, and says so; in CI that is a fault of the machine's set-up, unless `GIT_KV_WITHOUT_<PROGRAM>` says
 * that it can't work there.
 */
export function needs(test: Mocha.Context, ...programs: readonly string[]): void {
  const useless = programs.find((program) => process.env[`GIT_KV_WITHOUT_${program.toUpperCase()}`] !== undefined);
  if (useless !== undefined) sayLeftOut(test, `${useless}, which does not work here`);
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length > 0) leaveOut(test, missing.join(', '));
}

/** Skips a test where a file is missing that the system keeps, as `needs` does for a program. */
export function needsFile(test: Mocha.Context, path: string): void {
  if (!existsSync(path)) leaveOut(test, path);
}

/** Skips a test for what is missing, and says so; in CI that fails. */
export function leaveOut(test: Mocha.Context, missing: string): void {
  const text = `not on this machine: ${missing}`;
  if (process.env['CI'] || process.env['GIT_KV_NO_SKIP']) throw new Error(text);
  sayLeftOut(test, missing);
}

/** Skips a test for what is missing, and says so. */
export function sayLeftOut(test: Mocha.Context, missing: string): void {
  console.log(`      skipped: not on this machine: ${missing}`);
  test.skip();
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // command -v says so by its exit status
  }
}
