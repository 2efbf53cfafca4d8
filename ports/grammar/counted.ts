/** A number of things in words: `1 transaction`, `2 transactions`. For nouns that take an s. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
