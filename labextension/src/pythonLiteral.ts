/** Plain values as Python writes them. */

/** A value as Python writes it. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (typeof value === 'number') {
    return String(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(literal).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([key, item]) => `${literal(key)}: ${literal(item)}`);
    return `{${pairs.join(', ')}}`;
  }
  return JSON.stringify(String(value));
}
