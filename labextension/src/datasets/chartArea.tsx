/** The chart of one of a dataset's symbols, with the choice of another. */

import React from 'react';

import type { IDatasetChart } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { fixed } from '../result/format.js';
import type { IAlphintra } from '../tokens.js';
import { DatasetChart } from './chart.js';
import { IFired, placesOn } from './report.js';

interface IProps {
  first: IDatasetChart;
  symbols: readonly string[];
  /** What the rules found: its places are marked. */
  fired: readonly IFired[];
  alphintra: IAlphintra;
  readChart: (symbol: string) => Promise<IDatasetChart>;
}

export function ChartArea({ first, symbols, fired, alphintra, readChart }: IProps): JSX.Element {
  const { trans, appearanceChanged } = alphintra;
  const [data, setData] = React.useState(first);
  const [symbol, setSymbol] = React.useState(first.symbol);
  const [problem, setProblem] = React.useState<string | null>(null);
  const [text, setText] = React.useState('');
  const host = React.useRef<HTMLDivElement>(null);
  const isEmpty = (data.candles?.time ?? data.time).length === 0;
  React.useEffect(() => {
    if (symbol === data.symbol) {
      return undefined;
    }
    let gone = false;
    readChart(symbol).then(
      found => {
        if (!gone) {
          setData(found);
          setProblem(null);
        }
      },
      (reason: unknown) => {
        if (!gone) {
          setProblem(describe(reason).text);
        }
      }
    );
    return () => {
      gone = true;
    };
  }, [symbol]);
  React.useEffect(() => {
    if (host.current === null || isEmpty) {
      return undefined;
    }
    const chart = new DatasetChart(host.current, data, placesOn(fired, data.symbol, symbols.length === 1), setText);
    const recolor = (): void => chart.recolor();
    appearanceChanged.connect(recolor);
    return () => {
      appearanceChanged.disconnect(recolor);
      chart.dispose();
    };
  }, [data, fired]);
  const { candles } = data;
  const drawn = candles ? candles.time.length : data.time.length;
  const each = candles?.bars_each ?? 1;
  const note =
    each > 1
      ? trans.__('%1 bars, each candle stands for %2 of them', fixed(data.bars, 0), each)
      : data.thinned
        ? trans.__('%1 of %2 rows, drawn at random', fixed(drawn, 0), fixed(data.bars, 0))
        : trans._n('%2 bar', '%2 bars', data.bars, fixed(data.bars, 0));
  return (
    <section className="alphintra-Dataset-chart" aria-label={trans.__('Chart')}>
      <div className="alphintra-Dataset-chart-head">
        {symbols.length > 1 ? (
          <select
            className="alphintra-Input"
            aria-label={trans.__('Symbol')}
            value={symbol}
            data-lm-suppress-shortcuts="true"
            onChange={event => setSymbol(event.target.value)}
          >
            {symbols.map(own => (
              <option key={own} value={own}>
                {own}
              </option>
            ))}
          </select>
        ) : (
          <b>{data.symbol}</b>
        )}
        <span className="alphintra-Dataset-values" role="status">
          {text}
        </span>
        <span className="alphintra-muted">{note}</span>
      </div>
      {problem === null ? null : (
        <p className="alphintra-Problem" role="alert">
          {problem}
        </p>
      )}
      {isEmpty ? (
        <p className="alphintra-muted">{trans.__('There are no numbers of this symbol to draw.')}</p>
      ) : (
        <div
          ref={host}
          className="alphintra-Chart alphintra-Dataset-canvas"
          tabIndex={0}
          role="application"
          data-lm-suppress-shortcuts="true"
          aria-label={trans.__('Chart of %1. Arrows go from bar to bar, plus and minus zoom, 0 shows all.', data.symbol)}
        />
      )}
    </section>
  );
}
