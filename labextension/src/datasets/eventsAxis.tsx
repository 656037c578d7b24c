/** Events on a time axis: a line for each kind, with a mark of its own shape. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { fixed } from '../result/format.js';
import { IEvent, countsOf, eventText, nearest, spanOf, ticksOf } from './events.js';
import { eventKindText } from './words.js';

interface IProps {
  events: readonly IEvent[];
  selected: number | null;
  trans: TranslationBundle;
  onSelect: (event: number) => void;
  /** Told in words what is pointed at. */
  onPoint: (text: string) => void;
}

const TOP = 22;
const LINE = 30;
const LEFT = 118;
const RIGHT = 12;
/** Width of a label of the axis with room beside it, and how near to a mark the pointer has to be. */
const LABEL = 72;
const NEAR = 7;
/** Marks that have less room than so many pixels are drawn as strokes, each once. */
const ROOM = 8;

/** The mark of each kind, around a place; never told by colour alone. */
const SHAPES: Readonly<Record<string, (x: number, y: number) => string>> = {
  split: (x, y) => `M${x},${y - 6}l6,6l-6,6l-6,-6z`,
  dividend: (x, y) => `M${x - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z`,
  symbol: (x, y) => `M${x - 4.5},${y - 4.5}h9v9h-9z`,
  listing: (x, y) => `M${x},${y - 6}l6,10h-12z`,
  delisting: (x, y) => `M${x},${y + 6}l6,-10h-12z`
};

/** Where many lie close to one another, one stroke a pixel. */
function strokes(places: readonly number[], y: number): string {
  return [...new Set(places.map(Math.round))].map(x => `M${x - 0.5},${y - 7}h1v14h-1z`).join('');
}

function shapeOf(kind: string): (x: number, y: number) => string {
  return SHAPES[kind] ?? SHAPES.symbol!;
}

/** The width of a part of the page, as it changes. */
function useWidth(node: React.RefObject<HTMLElement>): number {
  const [width, setWidth] = React.useState(0);
  React.useLayoutEffect(() => {
    const observer = new ResizeObserver(entries => setWidth(Math.floor(entries[0]?.contentRect.width ?? 0)));
    observer.observe(node.current!);
    return () => observer.disconnect();
  }, []);
  return width;
}

export function EventsAxis({ events, selected, trans, onSelect, onPoint }: IProps): JSX.Element {
  const host = React.useRef<HTMLDivElement>(null);
  const width = useWidth(host);
  const lanes = React.useMemo(() => countsOf(events), [events]);
  const span = React.useMemo(() => spanOf(events), [events]);
  const inner = Math.max(1, width - LEFT - RIGHT);
  const placeOf = (time: number): number => LEFT + ((time - span[0]) / (span[1] - span[0])) * inner;
  const middleOf = (lane: number): number => TOP + lane * LINE + LINE / 2;
  const height = TOP + lanes.length * LINE + 2;
  const ticks = React.useMemo(() => ticksOf(span, inner / LABEL), [span, inner]);
  const paths = React.useMemo(() => {
    const places = new Map<string, number[]>(lanes.map(([kind]) => [kind, []]));
    for (const { kind, ex } of events) {
      places.get(kind)!.push(Math.round(placeOf(ex) * 10) / 10);
    }
    return [...places].map(([kind, own], lane) => {
      const isDense = own.length * ROOM > inner;
      const path = isDense ? strokes(own, middleOf(lane)) : own.map(x => shapeOf(kind)(x, middleOf(lane))).join('');
      return { path, isDense };
    });
  }, [events, span, inner]);
  const textOf = (event: IEvent): string => eventText(event, kind => eventKindText(kind, trans));
  const chosen = selected === null ? undefined : events[selected];
  const pointed = (pointer: React.PointerEvent<SVGElement> | React.MouseEvent<SVGElement>): number => {
    const box = pointer.currentTarget.getBoundingClientRect();
    const lane = lanes[Math.floor((pointer.clientY - box.top - TOP) / LINE)];
    const each = (span[1] - span[0]) / inner;
    const time = span[0] + (pointer.clientX - box.left - LEFT) * each;
    return lane === undefined ? -1 : nearest(events, lane[0], time, NEAR * each);
  };
  const onKey = (key: React.KeyboardEvent): void => {
    const last = events.length - 1;
    const at = selected ?? -1;
    const to = { ArrowRight: at + 1, ArrowLeft: at < 0 ? last : at - 1, Home: 0, End: last }[key.key];
    if (to !== undefined && !key.ctrlKey && !key.metaKey && !key.altKey) {
      key.preventDefault();
      key.stopPropagation();
      const next = Math.max(0, Math.min(last, to));
      onSelect(next);
      onPoint(textOf(events[next]!));
    }
  };
  return (
    <div
      ref={host}
      className="alphintra-Events-axis"
      tabIndex={0}
      role="application"
      data-lm-suppress-shortcuts="true"
      aria-label={trans.__('Events on a time axis. Arrows go from one to the next; the table below has all of them.')}
      onKeyDown={onKey}
    >
      <svg
        width={width}
        height={height}
        aria-hidden="true"
        onPointerMove={pointer => {
          const at = pointed(pointer);
          onPoint(at >= 0 ? textOf(events[at]!) : chosen ? textOf(chosen) : '');
        }}
        onPointerLeave={() => onPoint(chosen ? textOf(chosen) : '')}
        onClick={pointer => {
          const at = pointed(pointer);
          if (at >= 0) {
            onSelect(at);
          }
        }}
      >
        {ticks.map(({ time, text }) => (
          <React.Fragment key={time}>
            <line className="alphintra-mod-grid" x1={placeOf(time)} x2={placeOf(time)} y1={TOP} y2={height} />
            <text x={placeOf(time)} y={TOP - 8} textAnchor={placeOf(time) > width - LABEL / 2 ? 'end' : 'middle'}>
              {text}
            </text>
          </React.Fragment>
        ))}
        {lanes.map(([kind, count], lane) => (
          <g key={kind} data-kind={kind}>
            <line className="alphintra-mod-grid" x1={LEFT} x2={width - RIGHT} y1={middleOf(lane)} y2={middleOf(lane)} />
            <path className="alphintra-mod-key" d={shapeOf(kind)(8, middleOf(lane))} />
            <text x={20} y={middleOf(lane) + 4}>
              {eventKindText(kind, trans)} <tspan className="alphintra-mod-count">{fixed(count, 0)}</tspan>
            </text>
            <path className={paths[lane]!.isDense ? 'alphintra-mod-dense' : 'alphintra-mod-marks'} d={paths[lane]!.path} />
            {chosen?.kind === kind ? (
              <circle className="alphintra-mod-chosen" cx={placeOf(chosen.ex)} cy={middleOf(lane)} r={10} />
            ) : null}
          </g>
        ))}
      </svg>
    </div>
  );
}
