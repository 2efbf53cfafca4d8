import type { ErrorCode } from '../ports/error.js';

/** What a process exits with for each error code; 0 is success. The one table, for the CLI and the daemon. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  UNEXPECTED: 1,
  CAS_CONFLICT: 2,
  POLICY_VIOLATION: 3,
  SIGNATURE_MISSING: 3,
  SIGNATURE_INVALID: 3,
  SIGNER_UNKNOWN: 3,
  REF_FORBIDDEN: 3,
  KEY_INVALID: 4,
  IO_ERROR: 5,
  GIT_ERROR: 5,
  FORMAT_UNSUPPORTED: 5,
  JOURNAL_CORRUPT: 5,
  NOT_FOUND: 6,
  EXPIRED: 7,
  ATTESTATION_MISMATCH: 8,
  NOT_LEADER: 9,
  MIRROR_TIMEOUT: 10,
  SYNC_REFUSED: 11,
  USAGE: 64,
  INPUT_INVALID: 64,
  CONFIG_INVALID: 78,
  PLUGIN_INVALID: 78,
  NOT_SUPPORTED: 78,
  INTERRUPTED: 130,
};
