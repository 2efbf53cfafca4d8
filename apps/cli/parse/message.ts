import { reservedTrailer } from '../../../domain/ledger/transaction/attestation.js';
import { KvError } from '../../../ports/error.js';

/**
 * The text of a ledger commit's message: each `--message` is a paragraph, and may have several lines, as git takes it. Throws `USAGE` for
 * an empty text, and for a line that would read as a trailer of git-kv's own.
 */
export function messageFlag(messages: readonly string[] | undefined): string | undefined {
  if (messages === undefined) return undefined;
  const paragraphs = messages.map((text) =>
    text
      .replaceAll(/\r\n?/g, '\n')
      .replaceAll(/[ \t]+$/gm, '')
      .replaceAll(/^\n+|\n+$/g, ''),
  );
  const message = paragraphs
    .filter((text) => text.trim() !== '')
    .join('\n\n')
    .replaceAll(/\n{3,}/g, '\n\n');
  if (message === '')
    throw new KvError('USAGE', '--message wants some text', { hint: 'for example --message "switch dark mode on"' });
  const reserved = reservedTrailer(message);
  if (reserved === undefined) return message;
  throw new KvError('USAGE', `--message has a line that begins with ${reserved}:, which git-kv writes itself`, {
    hint: 'word that line in another way',
  });
}
