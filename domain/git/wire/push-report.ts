import { encodePkt, FLUSH_PKT } from '../../../ports/grammar/git-words/pkt-line.js';
import type { RefName } from '../../../ports/vocabulary.js';
import { concat } from '../bytes.js';
import type { SideBand } from './side-band.js';

/** What has become of one ref of a push; `refused` says why it was not moved. */
export interface RefVerdict {
  readonly ref: RefName;
  readonly refused: string | null;
}

/** A push as receive-pack reports on it (gitprotocol-pack, "Report Status"). */
export function pushReport(
  unpacked: string | null,
  verdicts: readonly RefVerdict[],
  capabilities: readonly string[],
  band: SideBand,
): Uint8Array {
  const wanted = capabilities.includes('report-status') || capabilities.includes('report-status-v2');
  const lines = [`unpack ${unpacked === null ? 'ok' : oneLine(unpacked)}\n`];
  for (const { ref, refused } of verdicts) lines.push(refused === null ? `ok ${ref}\n` : `ng ${ref} ${oneLine(refused)}\n`);
  const report = wanted ? concat([...lines.map(encodePkt), FLUSH_PKT]) : new Uint8Array(0);
  return band.isThere ? concat([band.frame(1, report), FLUSH_PKT]) : report;
}

const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').slice(0, 500);
