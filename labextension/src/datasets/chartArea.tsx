/** The chart of one of a dataset's symbols, with the choice of another. */

import React from 'react';

import type { ICandlesQuery, IDatasetChart } from '../api/datasets.js';
import { ApiError, describe } from '../api/problem.js';
import { fixed } from '../result/format.js';
import type { IAlphintra } from '../tokens.js';
import { CandleLoader } from './candleLoader.js';
import { DatasetChart, GAP } from './chart.js';
import { IDrawn, columnOf, drawnOf, drawnOfPreview } from './chartWindow.js';
import { DownloadMenu } from './download.js';
import { IFired, placesOn } from './report.js';
import { SymbolChoice } from './symbolChoice.js';

/** A bar to be shown. */
export interface IGoal {
  /** Whose; `null` of a dataset of one. */
  symbol: string | null;
  /** Seconds since the epoch. */
  time: number;
}

interface IProps {
  /** What the preview has: shown where no candles come. */
  first: IDatasetChart;
  symbols: readonly string[];
  /** Columns of numbers: one is chosen where there are no prices. */
  columns?: readonly string[];
  /** What the rules found: its places are marked. */
  fired: readonly IFired[];
  /** What was asked for last; a new one each time. */
  goal?: IGoal | null;
  alphintra: IAlphintra;
  /** Which version of which dataset; `null` for what ships. */
  of: { id: string; version: number | null };
  /** The chart that the preview has of another symbol. */
  readChart: (symbol: string) => Promise<IDatasetChart>;
  /** A column that is drawn instead of prices, and the part that is shown first. */
  drawn?: { column?: string; start?: string; end?: string };
}

/** As many candles show a whole series at first. */
const POINTS = 600;

export function ChartArea(props: IProps): JSX.Element {
  const { first, symbols, columns = [], fired, goal = null, alphintra, of, readChart, drawn = {} } = props;
  const { client, trans, appearanceChanged } = alphintra;
  const [symbol, setSymbol] = React.useState(first.symbol);
  /** What a new chart begins with, and what is shown of the symbol now. */
  const [begin, setBegin] = React.useState<IDrawn | null>(null);
  const [shown, setShown] = React.useState<IDrawn | null>(null);
  const [problem, setProblem] = React.useState<string | null>(null);
  /** What is drawn where there are no prices: one of the columns. */
  const [series, setSeries] = React.useState<string | null>(null);
  const [text, setText] = React.useState('');
  const [isBusy, setBusy] = React.useState(false);
  const host = React.useRef<HTMLDivElement>(null);
  const chartNow = React.useRef<DatasetChart | null>(null);
  /** What was gone to, or is no longer wanted. A chart that is new on the page knows of none. */
  const reached = React.useRef(goal);
  /** The column of a series that has no prices. */
  const column = React.useRef<string | undefined>(drawn.column ?? columnOf(first) ?? undefined);
  /** Another one is chosen here: also the same again, where it could not be read. */
  const [chosen, choose] = React.useReducer((count: number) => count + 1, 0);
  const { start, end } = drawn;
  const read = async (part: Partial<ICandlesQuery>, signal?: AbortSignal): Promise<IDrawn> => {
    const asked = { version: of.version ?? undefined, symbol, column: column.current, points: POINTS, ...part };
    return drawnOf(await client.datasetCandles(of.id, asked, signal));
  };
  React.useEffect(() => {
    const abort = new AbortController();
    const begun = (drawn: IDrawn, why: string | null): void => {
      if (!abort.signal.aborted) {
        setBegin(drawn);
        setShown(drawn);
        setProblem(why);
        setSeries(drawn.open === null ? (drawn.isSample ? first.series : (column.current ?? null)) : null);
      }
    };
    const load = async (): Promise<void> => {
      try {
        begun(
          await read({ start, end }, abort.signal).catch((reason: unknown) => {
            if (!(reason instanceof ApiError && reason.problem.code === 'NOT_TRADABLE' && first.series !== null)) {
              throw reason;
            }
            column.current = first.series;
            return read({ start, end }, abort.signal);
          }),
          null
        );
      } catch (reason) {
        if (abort.signal.aborted) {
          return;
        }
        // A server that reads no files, for one: what the preview knows is better than nothing.
        const known = symbol === first.symbol ? first : await readChart(symbol);
        begun(drawnOfPreview(known), describe(reason).text);
      }
    };
    load().catch((reason: unknown) => {
      if (!abort.signal.aborted) {
        setProblem(describe(reason).text);
      }
    });
    return () => abort.abort();
  }, [symbol, of.id, of.version, chosen]);
  const isEmpty = begin?.time.length === 0;
  React.useEffect(() => {
    if (host.current === null || begin === null || isEmpty) {
      return undefined;
    }
    const loader = new CandleLoader(
      read,
      drawn => {
        setProblem(null);
        setShown(drawn);
        chart.show(drawn);
      },
      reason => setProblem(describe(reason).text),
      setBusy
    );
    const places = placesOn(fired, begin.symbol, symbols.length === 1);
    const chart = new DatasetChart(host.current, begin, places, setText, part => {
      if (part === null) {
        loader.drop();
      } else {
        loader.want(part);
      }
    });
    const recolor = (): void => chart.recolor();
    appearanceChanged.connect(recolor);
    chartNow.current = chart;
    return () => {
      chartNow.current = null;
      appearanceChanged.disconnect(recolor);
      loader.drop();
      chart.dispose();
    };
  }, [begin, fired]);
  React.useEffect(() => {
    if (goal === null || goal === reached.current) {
      return;
    }
    const whose = goal.symbol ?? symbol;
    if (whose !== symbol) {
      setSymbol(whose);
    } else if (begin?.symbol === whose && chartNow.current) {
      reached.current = goal;
      host.current?.focus();
      chartNow.current.goTo(goal.time);
    }
  }, [goal, symbol, begin]);
  return (
    <section className="alphintra-Dataset-chart" aria-label={trans.__('Chart')}>
      <div className="alphintra-Dataset-chart-head">
        <SymbolChoice
          symbols={symbols}
          chosen={symbol}
          trans={trans}
          onChoose={own => {
            reached.current = goal;
            setSymbol(own);
          }}
        />
        {series === null ? null : columns.length > 1 && columns.includes(series) ? (
          <select
            className="alphintra-Input"
            aria-label={trans.__('Column')}
            value={series}
            data-lm-suppress-shortcuts="true"
            onChange={event => {
              column.current = event.target.value;
              setSeries(event.target.value);
              choose();
            }}
          >
            {columns.map(own => (
              <option key={own} value={own}>
                {own}
              </option>
            ))}
          </select>
        ) : (
          <span className="alphintra-muted">{series}</span>
        )}
        <span className="alphintra-Dataset-values" role="status">
          {text.split(GAP).map((value, i) => (
            <React.Fragment key={i}>
              {i > 0 ? GAP : ''}
              <span>{value}</span>
            </React.Fragment>
          ))}
        </span>
        <span className="alphintra-muted alphintra-Dataset-chart-note">{shown === null ? '' : noteOf(shown, trans)}</span>
        <DownloadMenu of={of} symbols={symbols} alphintra={alphintra} />
      </div>
      {problem === null ? null : (
        <p className="alphintra-Problem" role="alert">
          {problem}
        </p>
      )}
      {isEmpty ? (
        <p className="alphintra-muted">{trans.__('There are no numbers of this symbol to draw.')}</p>
      ) : begin === null ? (
        <div className="alphintra-Chart alphintra-Dataset-canvas alphintra-Skeleton" aria-busy="true" />
      ) : (
        <div
          ref={host}
          className="alphintra-Chart alphintra-Dataset-canvas"
          tabIndex={0}
          role="application"
          aria-busy={isBusy}
          data-each={shown?.each}
          data-lm-suppress-shortcuts="true"
          aria-label={trans.__('Chart of %1. Arrows go from bar to bar, plus and minus zoom, 0 shows all.', symbol)}
        />
      )}
    </section>
  );
}

function noteOf(shown: IDrawn, trans: IAlphintra['trans']): string {
  const all = fixed(shown.total, 0);
  if (shown.open === null && !shown.isSample) {
    // Ticks, closes or another series: a line has points.
    return shown.each > 1
      ? trans.__('%1 rows, each point stands for %2 of them', all, fixed(shown.each, 0))
      : trans._n('%2 row', '%2 rows', shown.total, all);
  }
  return shown.each > 1
    ? trans.__('%1 bars, each candle stands for %2 of them', all, fixed(shown.each, 0))
    : shown.isSample && shown.time.length < shown.total
      ? trans.__('%1 of %2 rows, drawn at random', fixed(shown.time.length, 0), all)
      : trans._n('%2 bar', '%2 bars', shown.total, all);
}
