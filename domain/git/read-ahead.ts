/** Reads for each item in turn, and already for the next one while the caller has what came of one. */
export async function* readAhead<Item, Read>(
  items: Iterable<Item> | AsyncIterable<Item>,
  read: (item: Item) => Promise<Read>,
): AsyncGenerator<Read> {
  let ahead: Promise<Read> | null = null;
  for await (const item of items) {
    const next = read(item);
    next.catch(() => undefined); // told when its turn comes
    if (ahead !== null) yield await ahead;
    ahead = next;
  }
  if (ahead !== null) yield await ahead;
}
