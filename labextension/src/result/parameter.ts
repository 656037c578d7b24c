/** A parameter's value in a chip or a sentence. */
export function parameterText(value: unknown): string {
  if (typeof value === 'number') {
    return String(value);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
