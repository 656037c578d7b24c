/** Variants of a sweep: heat map, parallel coordinates and table with one selection. */

import { HTMLSelect } from '@jupyterlab/ui-components';
import React from 'react';

import type { IResultEnvironment } from '../result/environment.js';
import { fixed, formatValue } from '../result/format.js';
import { CopyButton } from '../result/header.js';
import { DataTable, IPlace, newPlace } from '../result/table.js';
import { scaleRange, shadesOf } from './colorScale.js';
import { HeatMap, ScaleBar } from './heatMap.js';
import { ParallelCoordinates } from './parallel.js';
import type { ITrialsBlock, Palette } from './payload.js';
import { ISelection, NOTHING, axisKey, select } from './selection.js';
import { useTheme } from './useTheme.js';
import type { IAxis, IHeatCell } from './trialsModel.js';
import { Trials, callArguments, pivot, trialsTable } from './trialsModel.js';

interface IProps {
  block: ITrialsBlock;
  palette: Palette;
  environment: IResultEnvironment;
  fileStem: string;
}

const HEIGHT = 340;
/** Height of a map of one parameter: a strip. */
const STRIP = 84;
/** Metrics that lines run through at first; the others are a click away. */
const FIRST_METRICS = 3;

function Chooser(props: {
  label: string;
  axes: IAxis[];
  value: IAxis;
  onChange: (axis: IAxis) => void;
}): JSX.Element {
  return (
    <label className="alphintra-Chooser">
      {props.label}
      <HTMLSelect
        value={String(props.axes.indexOf(props.value))}
        aria-label={props.label}
        onChange={event =>
          props.onChange(props.axes[Number(event.currentTarget.value)]!)
        }
      >
        {props.axes.map((axis, at) => (
          <option key={axisKey(axis)} value={at}>
            {axis.column.label}
          </option>
        ))}
      </HTMLSelect>
    </label>
  );
}

export function TrialsView(props: IProps): JSX.Element {
  const { block, environment } = props;
  const { trans } = environment;
  const node = React.useRef<HTMLDivElement>(null);
  const theme = useTheme(node, props.palette, environment);
  const trials = React.useMemo(() => new Trials(block), [block]);
  const axes = React.useMemo(
    () => (trials.varied.length > 0 ? trials.varied : trials.parameters),
    [trials]
  );
  const [x, setX] = React.useState<IAxis | undefined>(axes[0]);
  const [y, setY] = React.useState<IAxis | null>(axes[1] ?? null);
  const [metric, setMetric] = React.useState<IAxis | undefined>(trials.metrics[0]);
  const [lines, setLines] = React.useState<ReadonlySet<IAxis>>(
    () => new Set(trials.metrics.slice(0, FIRST_METRICS))
  );
  const [selection, act] = React.useReducer(select, NOTHING as ISelection);
  const [hovered, setHovered] = React.useState<IHeatCell | null>(null);
  const place = React.useRef<IPlace>({
    ...newPlace(),
    // The best first.
    sort: trials.metrics[0]
      ? {
          column: 1 + trials.parameters.length,
          descending: !trials.lowIsGood
        }
      : null
  });
  const table = React.useMemo(
    () => trialsTable(block, trans.__('Trial')),
    [block, trans]
  );
  const map = React.useMemo(
    () => (x && metric ? pivot(trials, x, y, metric) : null),
    [trials, x, y, metric]
  );
  const range = React.useMemo(
    () => scaleRange(metric?.low ?? 0, metric?.high ?? 0),
    [metric]
  );
  const shades = React.useMemo(
    () =>
      shadesOf(
        theme?.tokens[range.diverging ? '@low_to_high' : '@little_to_much'],
        String(theme?.tokens['@muted'] ?? '#777777')
      ),
    [theme, range]
  );
  const coordinates = React.useMemo(
    () => [...axes, ...trials.metrics.filter(axis => lines.has(axis))],
    [axes, trials, lines]
  );
  const chosen = selection.trials;
  const [single = null] = chosen.size === 1 ? chosen : [];
  const clear = (): void => act({ type: 'clear' });

  const others = axes.filter(axis => axis !== x && axis !== y);
  const objective = trials.metrics[0]?.column.label ?? '';
  const describe = (cell: IHeatCell): string => {
    const { trial } = cell;
    const values = [...axes, ...(metric ? [metric] : [])].map(
      axis => `${axis.column.label} ${trials.text(trial, axis)}`
    );
    const rest =
      cell.trials.length > 1
        ? trans.__('trial %1, best of %2 here', trials.number(trial), cell.trials.length)
        : trans.__('trial %1', trials.number(trial));
    return [...values, rest].join(' \u00b7 ');
  };
  const spoken =
    trials.best < 0
      ? trans.__('No trial has a defined %1.', objective)
      : trans.__(
          'The best is trial %1: %2.',
          trials.number(trials.best),
          [...axes, ...trials.metrics.slice(0, 1)]
            .map(axis => `${axis.column.label} ${trials.text(trials.best, axis)}`)
            .join(', ')
        );

  const list = (
    <DataTable
      name={block.name}
      label={block.title || trans.__('Trials')}
      table={table}
      place={place.current}
      trans={trans}
      chosen={chosen}
      only={selection.only}
      prose={false}
      {...(trials.best >= 0
        ? { marked: { row: trials.best, label: trans.__('best trial') } }
        : {})}
      onSelect={trial => act({ type: 'row', trial })}
      fileStem={props.fileStem}
    />
  );
  if (trials.count === 0 || !x || !metric || !map) {
    return (
      <div ref={node} className="alphintra-Trials">
        <h4>{block.title}</h4>
        {trials.count === 0 ? (
          <p className="alphintra-muted">
            {trans.__('No trial has run yet, so there is nothing to compare.')}
          </p>
        ) : (
          list
        )}
      </div>
    );
  }
  const low = formatValue(range.low, metric.column.format, { signed: metric.column.signed ?? false });
  const high = formatValue(range.high, metric.column.format, { signed: metric.column.signed ?? false });
  return (
    <div ref={node} className="alphintra-Trials">
      <h4>{block.title}</h4>
      <div className="alphintra-Trials-tools">
        {axes.length > 2 && y ? (
          <>
            <Chooser
              label={trans.__('Across')}
              axes={axes}
              value={x}
              onChange={axis => {
                // The same twice would be a diagonal: the two change places.
                setY(axis === y ? x : y);
                setX(axis);
              }}
            />
            <Chooser
              label={trans.__('Up')}
              axes={axes}
              value={y}
              onChange={axis => {
                setX(axis === x ? y : x);
                setY(axis);
              }}
            />
          </>
        ) : null}
        {trials.metrics.length > 1 ? (
          <Chooser
            label={trans.__('Colour')}
            axes={trials.metrics}
            value={metric}
            onChange={setMetric}
          />
        ) : null}
        <span className="alphintra-Trials-count" role="status">
          {chosen.size > 0
            ? trans.__('%1 of %2 selected', fixed(chosen.size, 0), fixed(trials.count, 0))
            : block.total > trials.count
              ? trans.__(
                  '%1 of %2 trials shown',
                  fixed(trials.count, 0),
                  fixed(block.total, 0)
                )
              : trans._n('%1 trial', '%1 trials', trials.count).replace(
                  String(trials.count),
                  fixed(trials.count, 0)
                )}
        </span>
        <CopyButton
          text={single === null ? '' : callArguments(trials, single)}
          label={trans.__('Copy parameters')}
          title={
            single === null
              ? trans.__('Select one trial to copy its parameters')
              : trans.__('Copy the parameters of trial %1 as Python', trials.number(single))
          }
          done={trans.__('Copied')}
          disabled={single === null}
        />
        <button
          type="button"
          className="alphintra-Button"
          disabled={chosen.size === 0}
          onClick={clear}
        >
          {trans.__('Clear selection')}
        </button>
      </div>
      <div className="alphintra-Trials-pictures">
        <div className="alphintra-Trials-picture">
          {theme ? (
            <HeatMap
              pivot={map}
              range={range}
              shades={shades}
              theme={theme}
              chosen={chosen}
              best={trials.best}
              height={y ? HEIGHT : STRIP}
              trans={trans}
              label={trans.__(
                'Heat map of %1 over %2. %3 Arrow keys walk over the cells, Enter selects one, Escape clears. The table below holds the same data.',
                metric.column.label,
                y ? `${x.column.label}, ${y.column.label}` : x.column.label,
                spoken
              )}
              text={cell => trials.text(cell.trial, metric)}
              onHover={setHovered}
              onSelect={(cells, add) =>
                act({
                  type: 'cells',
                  trials: cells.flatMap(cell => cell.trials),
                  add
                })
              }
              onClear={clear}
            />
          ) : (
            <div className="alphintra-Skeleton" style={{ height: y ? HEIGHT : STRIP }} />
          )}
          <p className="alphintra-Trials-readout" aria-live="polite">
            {hovered ? describe(hovered) : spoken}
          </p>
          <p className="alphintra-muted alphintra-Trials-legend">
            {Number.isFinite(range.low) ? (
              <ScaleBar shades={shades} low={low} high={high} />
            ) : null}
            <span>{metric.column.label}</span>
            <span>
              {'\u2605 '}
              {trans.__('best trial')}
            </span>
          </p>
          {map.over ? (
            <p className="alphintra-muted alphintra-Trials-legend">
              {others.length > 0
                ? trans.__(
                    'Each cell shows its best trial by %1 over %2.',
                    objective,
                    others.map(axis => axis.column.label).join(', ')
                  )
                : trans.__('Each cell shows its best trial by %1.', objective)}
            </p>
          ) : null}
        </div>
        <div className="alphintra-Trials-picture">
          {theme ? (
            <ParallelCoordinates
              axes={coordinates}
              color={metric}
              range={range}
              shades={shades}
              theme={theme}
              chosen={chosen}
              brushes={selection.brushes}
              best={trials.best}
              height={HEIGHT - 24}
              trans={trans}
              label={trans.__(
                'Each trial as a line over %1. %2 The table below holds the same data.',
                coordinates.map(axis => axis.column.label).join(', '),
                spoken
              )}
              onBrush={(axis, stretch) =>
                act({
                  type: 'brush',
                  axis: axisKey(axis),
                  range: stretch,
                  axes: coordinates
                })
              }
            />
          ) : (
            <div className="alphintra-Skeleton" style={{ height: HEIGHT }} />
          )}
          <p className="alphintra-muted alphintra-Trials-readout">
            {trans.__('Drag along an axis to select, click it to release. The dashed line is the best trial.')}
          </p>
          {trials.metrics.length > FIRST_METRICS ? (
            <details className="alphintra-Trials-axes">
              <summary>
                {trans.__('Metrics as axes: %1 of %2', lines.size, trials.metrics.length)}
              </summary>
              {trials.metrics.map(axis => (
                <button
                  key={axisKey(axis)}
                  type="button"
                  className="alphintra-Button"
                  aria-pressed={lines.has(axis)}
                  onClick={() => {
                    const next = new Set(lines);
                    if (!next.delete(axis)) {
                      next.add(axis);
                    }
                    setLines(next);
                  }}
                >
                  {axis.column.label}
                </button>
              ))}
            </details>
          ) : null}
        </div>
      </div>
      <label className="alphintra-Check">
        <input
          type="checkbox"
          checked={selection.only}
          disabled={chosen.size === 0}
          onChange={event =>
            act({ type: 'only', only: event.currentTarget.checked })
          }
        />
        {trans.__('Selected trials only')}
      </label>
      {list}
      {block.note ? <p className="alphintra-muted alphintra-Note">{block.note}</p> : null}
    </div>
  );
}
