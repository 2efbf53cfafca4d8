/**
 * Does something at most once in a while, however many ask: who comes within that time after a beginning waits for the next one, with all the
 * others.
 */
export function seldom(work: () => Promise<void>, everyMs: number): () => Promise<void> {
  let began = Number.NEGATIVE_INFINITY;
  let next: Promise<void> | undefined;
  return () => {
    next ??= new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, began + everyMs - performance.now()))).then(() => {
      next = undefined;
      began = performance.now();
      return work();
    });
    return next;
  };
}
