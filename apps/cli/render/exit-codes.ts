import type { ErrorCode } from '../../../ports/error.js';
import { EXIT_CODES } from '../../exit-codes.js';

const MEANINGS: Readonly<Record<number, string>> = {
  0: 'ok',
  1: 'unexpected: a bug; run it again with --debug and report what it prints',
  2: 'compare-and-swap conflict: something has changed since it was read',
  3: 'the policy does not allow it',
  4: 'invalid key',
  5: 'input, output or Git failed',
  6: 'not found',
  7: 'expired',
  8: 'attestation mismatch: trailers, trees, index and ledger disagree',
  9: 'this Stargate is not the leader',
  10: 'the mirror did not show it in time',
  11: 'sync refused: Stargate and mirror have gone apart',
  64: 'wrong usage, or a wrong line in a batch',
  78: 'wrong configuration or plugin, or not supported by it',
  130: 'interrupted',
};

/** Exit code, meaning, and the error codes that lead to it; in ascending order. */
export function exitCodeRows(): { exit: number; meaning: string; codes: ErrorCode[] }[] {
  const codes = Object.entries(EXIT_CODES) as [ErrorCode, number][];
  const exits = [...new Set([0, ...codes.map(([, exit]) => exit)])].sort((a, b) => a - b);
  return exits.map((exit) => ({
    exit,
    meaning: MEANINGS[exit] ?? '',
    codes: codes.filter(([, each]) => each === exit).map(([code]) => code),
  }));
}

/** One line an exit status: its number, its meaning, its error codes. */
export function exitCodesText(): string {
  return exitCodeRows()
    .map(
      ({ exit, meaning, codes }) =>
        `${String(exit).padStart(3)}  ${meaning}${codes.length > 0 ? ` (${codes.join(', ')})` : ''}\n`,
    )
    .join('');
}
