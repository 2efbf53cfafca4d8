/**
 * What would steer a terminal, show text in another order than it has, or hide in it: control characters (C0, DEL, C1), bidirectional
 * controls, line and paragraph separators, halves of surrogate pairs, and what takes no room by itself, tags and invisible operators for
 * example. Joiners and variation selectors are left where they belong, behind what is no ASCII: emoji and many scripts need them.
 */
const HIDDEN =
  '[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\ufff9-\\ufffb]|(?![\\u200c\\u200d\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}])\\p{Default_Ignorable_Code_Point}|(?<![^\\0-\\x7f])[\\u200c\\u200d\\ufe00-\\ufe0e\\u{e0100}-\\u{e01ef}]';
const STEERING = new RegExp(HIDDEN, 'gu');
/** The same, but for what lines of text are made of: line ends and tabs. */
const STEERING_IN_TEXT = new RegExp(`(?!\\r?\\n|\\t)(?:${HIDDEN})`, 'gu');

/** A line of text that somebody else wrote, as a terminal may have it: what would steer it is shown, as JSON escapes it. */
export const printable = (line: string): string => line.replace(STEERING, shown);

/** The same of several lines. JSON stays the JSON that it is. */
export const printableText = (text: string): string => text.replace(STEERING_IN_TEXT, shown);

/** JSON escapes UTF-16 units. */
const shown = (char: string): string =>
  [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
