/** Plotly's colour scales, for the canvases that draw trials. */

type Rgb = [number, number, number];

/** Shades that a scale is drawn in: more cannot be told apart, and each is one stroke of a brush. */
export const SHADES = 24;

function rgb(color: string): Rgb | null {
  const hex = /^#([0-9a-f]{6})$/i.exec(color)?.[1];
  if (hex) {
    return [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
  }
  const parts = /^rgba?\(([^)]+)\)$/i.exec(color)?.[1]?.split(/[\s,/]+/).map(Number);
  return parts && parts.length >= 3 && parts.slice(0, 3).every(Number.isFinite)
    ? [parts[0]!, parts[1]!, parts[2]!]
    : null;
}

/** The colours of a scale from its low to its high end, `SHADES` of them. */
export function shadesOf(scale: unknown, fallback: string): string[] {
  const stops = (Array.isArray(scale) ? scale : []).flatMap(stop => {
    const [at, color] = Array.isArray(stop) ? (stop as unknown[]) : [];
    const parsed = typeof color === 'string' ? rgb(color) : null;
    return typeof at === 'number' && parsed ? [{ at, color: parsed }] : [];
  });
  if (stops.length < 2) {
    return Array.from({ length: SHADES }, () => fallback);
  }
  return Array.from({ length: SHADES }, (_, shade) => {
    const at = shade / (SHADES - 1);
    const next = stops.findIndex(stop => stop.at >= at);
    const right = stops[Math.max(1, next < 0 ? stops.length - 1 : next)]!;
    const left = stops[Math.max(1, next < 0 ? stops.length - 1 : next) - 1]!;
    const part = (at - left.at) / (right.at - left.at || 1);
    const mixed = left.color.map((from, i) =>
      Math.round(from + (right.color[i]! - from) * part)
    );
    return `rgb(${mixed.join(', ')})`;
  });
}

/** How values are laid on a scale: around zero where they lie on both sides of it. */
export interface IScaleRange {
  low: number;
  high: number;
  diverging: boolean;
}

export function scaleRange(low: number, high: number): IScaleRange {
  if (low < 0 && high > 0) {
    const most = Math.max(-low, high);
    return { low: -most, high: most, diverging: true };
  }
  return { low, high, diverging: false };
}

/** Which shade a value has; -1 where it is undefined. */
export function shadeOf(value: number, range: IScaleRange): number {
  if (!Number.isFinite(value)) {
    return -1;
  }
  const span = range.high - range.low;
  const part = span > 0 ? (value - range.low) / span : 1;
  return Math.min(SHADES - 1, Math.max(0, Math.round(part * (SHADES - 1))));
}
