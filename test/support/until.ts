/** How long a condition is waited for, unless said otherwise: far longer than it takes on a busy machine. ms. */
const PATIENCE_MS = 30_000;

/** Waits until something holds. Throws when it doesn't by the deadline, with what was waited for and what `clue` tells. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { ms = PATIENCE_MS, clue = () => '' }: { readonly ms?: number; readonly clue?: () => string } = {},
): Promise<void> {
  for (const deadline = Date.now() + ms; !(await holds()); ) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain for: ${what}\n${clue()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
