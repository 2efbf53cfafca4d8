/** Reads for each item in turn, and already for the next `depth` ones while the caller has what came of one. */
export async function* readAhead<Item, Read>(
  items: Iterable<Item> | AsyncIterable<Item>,
  read: (item: Item) => Promise<Read>,
  depth = 1,
): AsyncGenerator<Read> {
  const ahead: Promise<Read>[] = [];
  for await (const item of items) {
    const next = read(item);
    next.catch(() => undefined); // told when its turn comes
    ahead.push(next);
    if (ahead.length > depth) yield (await ahead.shift()) as Read;
  }
  for (const each of ahead) yield await each;
}
