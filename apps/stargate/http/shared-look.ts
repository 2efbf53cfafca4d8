/** Gives everybody who asks while a look is being taken the outcome of that one: however many ask at once, it costs one look. */
export function sharedLook<T>(look: () => Promise<T>): () => Promise<T> {
  let taken: Promise<T> | undefined;
  return () => {
    taken ??= look().finally(() => {
      taken = undefined;
    });
    return taken;
  };
}
