import type { RepositoryLimits } from './types.js';

const MiB = 1024 * 1024;

/** The bounds of a repository for which nothing else was said. */
export const DEFAULT_LIMITS: RepositoryLimits = {
  pathBytes: 4096,
  fileBytes: 100 * MiB,
  messageBytes: 64 * 1024,
  transactions: 256,
  transactionPaths: 10_000,
  transactionBytes: 256 * MiB,
  transactionIdle: 5 * 60_000,
  realities: 10_000,
  diffText: 16 * MiB,
};
