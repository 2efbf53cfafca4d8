import type { MirrorImportReport } from '../../../../domain/client/transfer/mirror-import/mirror-import.js';
import { formatMany } from '../units.js';

/** What an import of a mirror's links has done, for people. */
export function mirrorImportText({ applied, seq, moves, written }: MirrorImportReport): string {
  if (applied === 0) return `nothing new: this clone is at link ${seq}\n`;
  return `${formatMany(applied, 'link')} imported, ${formatMany(moves, 'ref')} moved: at link ${seq}, written ${written}\n`;
}

/** The same for `--json`. */
export function mirrorImportDocument(report: MirrorImportReport): object {
  return { ok: true, ...report };
}
