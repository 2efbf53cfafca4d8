import type { Attribution, AttributionSource } from '../../../../domain/client/history/attribution.js';
import { printable } from '../../../../ports/grammar/printable.js';

/** What stands behind a name that this clone has not verified. */
const UNVERIFIED: Readonly<Record<AttributionSource, string>> = { signature: '', stargate: ' (noted)', claim: ' (claimed)' };

/** Who it was, and how that is known, for a column. */
export function attribution({ by, source }: Attribution): string {
  return `${printable(by)}${UNVERIFIED[source]}`;
}
