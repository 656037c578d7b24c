/** What the canvases of trials have in common: their size in the page, and sharp lines on any screen. */

import React from 'react';

/** Width of a node in CSS pixels, followed; 0 until it is in the page. */
export function useWidth(node: React.RefObject<HTMLElement>): number {
  const [width, setWidth] = React.useState(0);
  React.useLayoutEffect(() => {
    const watched = node.current;
    if (!watched) {
      return undefined;
    }
    const measure = (): void => {
      // A hidden or detached output has no width; it keeps its last one.
      if (watched.clientWidth > 0) {
        setWidth(watched.clientWidth);
      }
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Size a canvas for the screen and clear it; a unit of the context is a CSS pixel. */
export function prepare(
  canvas: HTMLCanvasElement | null,
  width: number,
  height: number
): CanvasRenderingContext2D | null {
  const context = canvas?.getContext('2d') ?? null;
  if (!canvas || !context) {
    return null;
  }
  const ratio = window.devicePixelRatio || 1;
  const pixels = [Math.round(width * ratio), Math.round(height * ratio)] as const;
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) {
    [canvas.width, canvas.height] = pixels;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** Cut a text to a width, with an ellipsis. */
export function fitted(
  context: CanvasRenderingContext2D,
  text: string,
  width: number
): string {
  if (context.measureText(text).width <= width) {
    return text;
  }
  let length = text.length - 1;
  while (
    length > 0 &&
    context.measureText(`${text.slice(0, length)}\u2026`).width > width
  ) {
    length -= 1;
  }
  return length > 0 ? `${text.slice(0, length)}\u2026` : '';
}

/** Where a pointer is within a canvas, in CSS pixels. */
export function pointerAt(
  event: React.PointerEvent<HTMLCanvasElement>
): { x: number; y: number } {
  const box = event.currentTarget.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
