import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

/** A decision about a request. */
export interface Decision {
  readonly time: string;
  readonly request_id: string;
  readonly principal: string | null;
  readonly via: string;
  readonly action: string;
  readonly repository: string | null;
  readonly outcome: 'allowed' | 'denied';
  readonly code?: string;
}

/** Takes every decision. */
export interface AuditLog {
  write(decision: Decision): void;
  close(): Promise<void>;
}

/** A line of JSON a decision, in a file of the data folder that only its owner may read; without a folder, to `write`. */
export function openAudit(data: string, write: (decision: Decision) => void, failed: (error: Error) => void): AuditLog {
  if (data === '') return { write, close: async () => undefined };
  const stream = createWriteStream(join(data, 'audit.log'), { flags: 'a', mode: 0o600 });
  stream.on('error', failed);
  return {
    write: (decision) => void stream.write(`${JSON.stringify(decision)}\n`),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}
