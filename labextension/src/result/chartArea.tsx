/** The chart with its controls; holds its place from the first moment, before the library is loaded. */

import { HTMLSelect, closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { ResultChart } from './chart.js';
import type { IResultEnvironment } from './environment.js';
import { formatValue, isoTime, ratioText } from './format.js';
import type { ICharts } from './payload.js';
import type { ITrade } from './trades.js';
import { chartHeight } from './chartLayout.js';

interface IProps {
  charts: ICharts;
  trades: ITrade[];
  environment: IResultEnvironment;
  /** What the chart shows, in words. */
  summary: string;
  selected: ITrade | null;
  onSelect: (trade: ITrade) => void;
  /** What can be done with a trade, for what opens at it. */
  actions?: (trade: ITrade) => React.ReactNode;
}

interface IHover {
  trade: ITrade;
  x: number;
  y: number;
}

function placed({ x, y }: IHover): React.CSSProperties {
  return { left: Math.max(0, x - 250 > 0 ? x - 250 : x + 16), top: y + 14 };
}

export function ChartArea(props: IProps): JSX.Element {
  const { charts, trades, environment, selected } = props;
  const { trans } = environment;
  const [symbol, setSymbol] = React.useState(charts.symbols[0]?.symbol ?? '');
  const [showRecorded, setRecorded] = React.useState(charts.recorded.length > 0);
  const [logarithmic, setLogarithmic] = React.useState(false);
  const [hover, setHover] = React.useState<IHover | null>(null);
  const [pinned, setPinned] = React.useState<IHover | null>(null);
  const pointer = React.useRef({ x: 0, y: 0 });
  const [spoken, setSpoken] = React.useState('');
  const [failure, setFailure] = React.useState<string | null>(null);
  const host = React.useRef<HTMLDivElement>(null);
  const chart = React.useRef<ResultChart | null>(null);
  const latest = React.useRef(props);
  latest.current = props;

  React.useEffect(() => {
    let gone = false;
    void import('./chart.js').then(
      module => {
        const node = host.current;
        if (gone || !node) {
          return;
        }
        chart.current = new module.ResultChart(
          node,
          { charts, trades, symbol, showRecorded, logarithmic },
          {
            hoverTrade: (id, x, y) => {
              const trade = trades.find(item => item.id === id) ?? null;
              chart.current?.highlight(
                id ?? latest.current.selected?.id ?? null
              );
              pointer.current = { x, y };
              setHover(trade ? { trade, x, y } : null);
            },
            clickTrade: id => {
              const trade = trades.find(item => item.id === id);
              if (trade) {
                setPinned({ trade, ...pointer.current });
                latest.current.onSelect(trade);
              }
            },
            announce: setSpoken
          },
          trans
        );
        const chosen = latest.current.selected;
        if (chosen?.symbol === symbol) {
          chart.current.showTrade(chosen);
        }
      },
      (reason: unknown) => setFailure(String(reason))
    );
    const recolor = (): void => chart.current?.recolor();
    environment.appearanceChanged.connect(recolor);
    return () => {
      gone = true;
      environment.appearanceChanged.disconnect(recolor);
      chart.current?.dispose();
      chart.current = null;
    };
  }, [charts, symbol, showRecorded]);

  React.useEffect(() => {
    if (!selected) {
      chart.current?.highlight(null);
    } else if (
      selected.symbol !== symbol &&
      charts.symbols.some(item => item.symbol === selected.symbol)
    ) {
      setSymbol(selected.symbol);
    } else {
      chart.current?.showTrade(selected);
    }
  }, [selected]);

  React.useEffect(() => {
    setPinned(shown => (shown?.trade === selected ? shown : null));
  }, [selected]);

  const actions = pinned ? props.actions?.(pinned.trade) : null;
  const tip = hover && hover.trade !== pinned?.trade ? hover : actions ? null : hover;
  const shares = charts.symbols.find(item => item.symbol === symbol)?.shares;
  const notes = [
    ...(shares
      ? [
          trans.__(
            'Prices drawn in shares of %1 (splits: %2); tables have them as traded',
            shares.date,
            shares.splits
              .map(split => `${ratioText(split.ratio)} on ${isoTime(split.time, true)}`)
              .join(', ')
          )
        ]
      : []),
    ...charts.omitted
  ];
  const height = chartHeight(charts, symbol, showRecorded);
  return (
    <section className="alphintra-Charts" aria-label={trans.__('Charts')}>
      <div className="alphintra-Charts-tools">
        {charts.symbols.length > 1 ? (
          <HTMLSelect
            value={symbol}
            aria-label={trans.__('Symbol')}
            options={charts.symbols.map(item => item.symbol)}
            onChange={event => setSymbol(event.currentTarget.value)}
          />
        ) : null}
        {charts.recorded.length > 0 ? (
          <button
            type="button"
            className="alphintra-Button"
            aria-pressed={showRecorded}
            onClick={() => setRecorded(!showRecorded)}
          >
            {trans.__('Recorded')}
          </button>
        ) : null}
        <button
          type="button"
          className="alphintra-Button"
          aria-pressed={logarithmic}
          onClick={() => {
            setLogarithmic(!logarithmic);
            chart.current?.setLogarithmic(!logarithmic);
          }}
        >
          {trans.__('Log scale')}
        </button>
        <button
          type="button"
          className="alphintra-Button"
          title={trans.__('Show the whole run; a double click does the same')}
          onClick={() => chart.current?.reset()}
        >
          {trans.__('Reset')}
        </button>
      </div>
      {failure !== null ? (
        <p className="alphintra-Problem" role="alert">
          {trans.__('The charts could not be loaded. Reload the page to try again.')}
        </p>
      ) : null}
      <div
        ref={host}
        className="alphintra-Chart"
        style={{ height }}
        role="application"
        aria-roledescription={trans.__('chart')}
        aria-label={props.summary}
        tabIndex={0}
        data-lm-suppress-shortcuts="true"
      >
        {pinned && actions ? (
          <div
            className="alphintra-TradeTip alphintra-mod-pinned"
            role="group"
            aria-label={trans.__('Trade')}
            style={placed(pinned)}
            onKeyDown={event => {
              if (event.key === 'Escape') {
                setPinned(null);
                host.current?.focus();
              }
            }}
          >
            <TradeSummary trade={pinned.trade} environment={environment} />
            <div className="alphintra-TradeTip-actions">
              {actions}
              <button
                type="button"
                className="alphintra-IconButton"
                title={trans.__('Close')}
                onClick={() => setPinned(null)}
              >
                <closeIcon.react tag="span" elementSize="normal" />
              </button>
            </div>
          </div>
        ) : null}
        {tip ? (
          <div className="alphintra-TradeTip" aria-hidden="true" style={placed(tip)}>
            <TradeSummary trade={tip.trade} environment={environment} />
          </div>
        ) : null}
      </div>
      <div className="alphintra-visually-hidden" aria-live="polite">
        {spoken}
      </div>
      {notes.length > 0 ? (
        <p className="alphintra-muted alphintra-Charts-notes">
          {notes.join(' \u00b7 ')}
        </p>
      ) : null}
    </section>
  );
}

/** A round trip in words: what hovering it says. */
function TradeSummary(props: {
  trade: ITrade;
  environment: IResultEnvironment;
}): JSX.Element {
  const { trade } = props;
  const { trans } = props.environment;
  const at = (time: number): string => isoTime(time, time % 86400 === 0);
  const price = (value: number): string => formatValue(value, 'price');
  const gain = trade.pnl === null ? 'flat' : trade.pnl >= 0 ? 'up' : 'down';
  return (
    <>
      <strong>
        {trade.side === 'SELL' ? trans.__('Short') : trans.__('Long')}{' '}
        {formatValue(trade.quantity, 'quantity')} {trade.symbol}
      </strong>
      <span>
        {trans.__('in %1 at %2', at(trade.entryTime), price(trade.entryPrice))}
      </span>
      <span>
        {trade.exitTime !== null && trade.exitPrice !== null
          ? trans.__('out %1 at %2', at(trade.exitTime), price(trade.exitPrice))
          : trans.__('still open at the end')}
        {trade.reason ? ` \u00b7 ${trade.reason}` : ''}
      </span>
      {trade.pnl !== null ? (
        <span className={`alphintra-mod-${gain}`}>
          {formatValue(trade.pnl, 'money', { signed: true })}{' '}
          {trade.return === null
            ? ''
            : `(${formatValue(trade.return, 'percent', { signed: true })})`}
        </span>
      ) : null}
    </>
  );
}
