/** A metric over two parameters: cells are chosen by click, by dragging over them, or by keyboard. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { pointerAt, prepare, useWidth } from './canvas.js';
import { SHADES } from './colorScale.js';
import {
  FONT,
  IHeatMapDrawing,
  ILayout,
  IPlace,
  draw,
  layoutOf
} from './heatMapDrawing.js';
import type { IHeatCell } from './trialsModel.js';

interface IProps extends IHeatMapDrawing {
  height: number;
  label: string;
  trans: TranslationBundle;
  onHover: (cell: IHeatCell | null) => void;
  onSelect: (cells: IHeatCell[], add: boolean) => void;
  onClear: () => void;
}

export function HeatMap(props: IProps): JSX.Element {
  const { pivot, height, onHover } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const layout = React.useRef<ILayout | null>(null);
  const width = useWidth(host);
  const [hovered, setHovered] = React.useState<IPlace | null>(null);
  const [rubber, setRubber] = React.useState<{
    from: IPlace;
    to: IPlace;
  } | null>(null);
  const focus = React.useRef<IPlace>({ column: 0, row: 0 });

  React.useLayoutEffect(() => {
    const context = width > 0 ? prepare(canvas.current, width, height) : null;
    if (context) {
      context.font = `${FONT}px ${props.theme.font}`;
      layout.current = layoutOf(context, pivot, width, height);
      draw(context, props, layout.current, hovered, rubber);
    }
  });
  React.useEffect(() => setHovered(null), [pivot]);

  const placeAt = (
    event: React.PointerEvent<HTMLCanvasElement>,
    clamp: boolean
  ): IPlace | null => {
    const shape = layout.current;
    if (!shape) {
      return null;
    }
    const { x, y } = pointerAt(event);
    const column = Math.floor((x - shape.left) / shape.cellWidth);
    const row = Math.floor(
      (shape.top + shape.cellHeight * shape.rows - y) / shape.cellHeight
    );
    const inside =
      column >= 0 && column < shape.columns && row >= 0 && row < shape.rows;
    if (!inside && !clamp) {
      return null;
    }
    return {
      column: Math.max(0, Math.min(shape.columns - 1, column)),
      row: Math.max(0, Math.min(shape.rows - 1, row))
    };
  };
  const show = (place: IPlace | null): void => {
    setHovered(place);
    onHover(place ? pivot.at(place.column, place.row) : null);
  };
  const cellsWithin = (from: IPlace, to: IPlace): IHeatCell[] =>
    pivot.cells.filter(
      cell =>
        cell.column >= Math.min(from.column, to.column) &&
        cell.column <= Math.max(from.column, to.column) &&
        cell.row >= Math.min(from.row, to.row) &&
        cell.row <= Math.max(from.row, to.row)
    );

  const onKey = (event: React.KeyboardEvent): void => {
    const shape = layout.current;
    const steps: Record<string, [number, number]> = {
      ArrowRight: [1, 0],
      ArrowLeft: [-1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1]
    };
    const step = steps[event.key];
    if (step && shape) {
      event.preventDefault();
      focus.current = {
        column: Math.max(0, Math.min(shape.columns - 1, focus.current.column + step[0])),
        row: Math.max(0, Math.min(shape.rows - 1, focus.current.row + step[1]))
      };
      show(focus.current);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const cell = pivot.at(focus.current.column, focus.current.row);
      if (cell) {
        props.onSelect([cell], true);
      }
    } else if (event.key === 'Escape') {
      props.onClear();
    }
  };

  return (
    <div ref={host} className="alphintra-HeatMap" style={{ height }}>
      <canvas
        ref={canvas}
        style={{ width: width || '100%', height }}
        role="application"
        aria-roledescription={props.trans.__('heat map')}
        aria-label={props.label}
        tabIndex={0}
        data-lm-suppress-shortcuts="true"
        onKeyDown={onKey}
        onBlur={() => show(null)}
        onPointerDown={event => {
          const place = event.button === 0 ? placeAt(event, false) : null;
          if (place) {
            event.currentTarget.setPointerCapture(event.pointerId);
            setRubber({ from: place, to: place });
          }
        }}
        onPointerMove={event => {
          const place = placeAt(event, rubber !== null);
          if (rubber && place) {
            setRubber({ from: rubber.from, to: place });
          }
          if (place?.column !== hovered?.column || place?.row !== hovered?.row) {
            show(place);
          }
        }}
        onPointerLeave={() => show(null)}
        onPointerCancel={() => setRubber(null)}
        onPointerUp={event => {
          if (rubber) {
            const cells = cellsWithin(rubber.from, rubber.to);
            focus.current = rubber.to;
            setRubber(null);
            if (cells.length > 0) {
              props.onSelect(
                cells,
                event.shiftKey || event.ctrlKey || event.metaKey
              );
            }
          }
        }}
      />
    </div>
  );
}

/** The scale below the map: what its colours stand for. */
export function ScaleBar(props: {
  shades: string[];
  low: string;
  high: string;
}): JSX.Element {
  const stops = [0, 6, 12, 18, SHADES - 1].map(at => props.shades[at]).join(', ');
  return (
    <span className="alphintra-ScaleBar">
      {props.low}
      <i aria-hidden="true" style={{ background: `linear-gradient(to right, ${stops})` }} />
      {props.high}
    </span>
  );
}
