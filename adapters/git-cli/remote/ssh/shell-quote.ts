/** Quotes an argument for the shell at the other end, as git's sq_quote does: `'` and `!` leave the quotes. */
export function shellQuote(text: string): string {
  return `'${text.replace(/['!]/g, (character) => `'\\${character}'`)}'`;
}
