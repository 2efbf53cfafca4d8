/** Folds each paragraph into one line, so that help can wrap it at the terminal's width; indented lines stay as they are. */
export function prose(text: string): string {
  return text.replace(/(\S)\n(?=[^\s])/g, '$1 ');
}
