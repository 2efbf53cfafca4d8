import type { ErrorCode, KvError } from './error.js';

/** What is wrong with the own disk or files, or with the program itself. */
const OWN_TROUBLE: ReadonlySet<ErrorCode> = new Set(['BUSY', 'IO_ERROR', 'JOURNAL_CORRUPT', 'STORAGE_FULL', 'UNEXPECTED']);

/**
 * The words of an error for whoever asks from outside, over SSH or HTTP: of a server's own trouble, files by their names alone. Where
 * they lie is for the log of the side that has them. Other errors are about what was asked for, and a key may look like a path.
 */
export function toldOutside({ code, message, hint }: KvError): { readonly message: string; readonly hint: string | undefined } {
  if (!OWN_TROUBLE.has(code)) return { message, hint };
  return { message: withoutFolders(message), hint: hint === undefined ? undefined : withoutFolders(hint) };
}

const withoutFolders = (text: string): string => text.replace(/(?<=^|[\s'"(=])\/(?:[^\s'":()/]+\/)*(?=[^\s'":()/])/g, '');
