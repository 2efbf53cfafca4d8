/** What a system call fails with when this process, or the machine, has no more files, processes or memory to give just now. */
const WHAT: Readonly<Record<string, string>> = {
  EMFILE: 'this process has as many files open as it may have',
  ENFILE: 'this machine has as many files open as it may have',
  EAGAIN: 'there are as many processes as there may be',
  ENOMEM: 'there is no memory left',
};

/** What there is no more of, by the error of a system call; null for an error that says nothing of that. */
export function exhausted(cause: unknown): string | null {
  if (typeof cause !== 'object' || cause === null) return null;
  const { code, syscall } = cause as { readonly code?: unknown; readonly syscall?: unknown };
  if (code === 'EAGAIN' && !String(syscall).startsWith('spawn')) return null; // of a read, it means "not yet"
  return typeof code === 'string' && Object.hasOwn(WHAT, code) ? (WHAT[code] ?? null) : null;
}
