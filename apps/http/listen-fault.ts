/** Why a server can't listen somewhere, in words, for Node's error. */
export function listenFault({ code, message }: NodeJS.ErrnoException): string {
  return WORDS[code ?? ''] ?? message;
}

const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'it is no address of this machine',
};
