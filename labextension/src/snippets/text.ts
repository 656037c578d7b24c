/** Snippets as text: which fit what was typed, and how one is laid into a line. */

import type { ISnippet } from '../api/types.js';

/** The name that ends at the cursor: letters, digits, `_`, `-` and dots within it. */
export function wordBefore(text: string, offset: number): string {
  return /[A-Za-z_][\w-]*$/.exec(text.slice(0, offset))?.[0] ?? '';
}

/** Whether completion may offer snippets here: not after a dot, not inside a string or comment. */
export function mayComplete(text: string, offset: number): boolean {
  const word = wordBefore(text, offset);
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const before = line.slice(0, line.length - word.length);
  return word.length > 0 && /^\s*$/.test(before);
}

/** Snippets whose prefix begins with the word. */
export function matching(
  snippets: readonly ISnippet[],
  word: string
): ISnippet[] {
  const typed = word.toLowerCase();
  return snippets.filter(
    item =>
      item.prefix.toLowerCase().startsWith(typed) ||
      (typed.length >= 3 && item.id.toLowerCase().startsWith(typed))
  );
}

/** The code with every line but the first indented as the line that it is put into. */
export function indented(code: string, indent: string): string {
  return code
    .replace(/\s+$/, '')
    .split('\n')
    .map((line, i) => (i === 0 || line === '' ? line : indent + line))
    .join('\n');
}

/**
 * The text that is inserted at the cursor. On a line with code it begins a line of its own,
 * at the same indentation; on a line of blanks it takes their indentation.
 */
export function insertion(
  code: string,
  lineBefore: string,
  lineAfter: string
): string {
  const indent = /^\s*/.exec(lineBefore)![0];
  const body = indented(code, indent);
  const blank = lineBefore.trim() === '' && lineAfter.trim() === '';
  return blank ? body : `\n${indent}${body}`;
}
