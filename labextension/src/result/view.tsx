/** A result, anywhere it appears: header, warnings, figures, charts, tables. */

import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { ChartArea } from './chartArea.js';
import type { IResultEnvironment } from './environment.js';
import { formatValue } from './format.js';
import { Figures, Header, Warnings } from './header.js';
import type { IResultPayload, TableName } from './payload.js';
import { TABLE_NAMES, problemOf } from './payload.js';
import { DataTable, IPlace, newPlace } from './table.js';
import { ITrade, tradesOf } from './trades.js';

interface IProps {
  payload: IResultPayload;
  environment: IResultEnvironment;
  reportUrl?: string;
}

function fileStem(payload: IResultPayload): string {
  const { strategy, run_id } = payload.header;
  return `${strategy}-${run_id.slice(0, 8)}`.replace(/[^\w.-]+/g, '_');
}

export function ResultView(props: IProps): JSX.Element {
  const { payload, environment } = props;
  const { trans } = environment;
  const labels: Record<TableName, string> = {
    trades: trans.__('Trades'),
    orders: trans.__('Orders'),
    fills: trans.__('Fills'),
    positions: trans.__('Positions'),
    metrics: trans.__('Metrics'),
    recorded: trans.__('Recorded'),
    assumptions: trans.__('Assumptions'),
    log: trans.__('Log')
  };
  const names = TABLE_NAMES.filter(name => payload.tables[name]);
  const [tab, setTab] = React.useState<TableName>(names[0] ?? 'trades');
  const [selected, setSelected] = React.useState<ITrade | null>(null);
  const places = React.useRef(new Map<string, IPlace>());
  const tabs = React.useRef<HTMLDivElement>(null);
  const baseId = React.useId();
  const trades = React.useMemo(
    () => tradesOf(payload.tables.trades),
    [payload]
  );
  const table = payload.tables[tab];
  const place = places.current.get(tab) ?? newPlace();
  places.current.set(tab, place);

  const onTabKey = (event: React.KeyboardEvent): void => {
    const at = names.indexOf(tab);
    const to = {
      ArrowRight: (at + 1) % names.length,
      ArrowLeft: (at + names.length - 1) % names.length,
      Home: 0,
      End: names.length - 1
    }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setTab(names[to]!);
      tabs.current?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
    }
  };

  const header = payload.header;
  const summary = trans.__(
    'Price with trades, equity against the benchmark and drawdown of %1 on %2, %3 to %4. %5. Arrow keys walk from bar to bar, plus and minus zoom, 0 shows the whole run. The tables below hold the same data.',
    header.strategy,
    header.dataset,
    header.start,
    header.end,
    payload.figures
      .slice(0, 5)
      .map(item => `${item.label} ${formatValue(item.value, item.format)}`)
      .join(', ')
  );
  return (
    <article
      className="alphintra-Result"
      aria-label={trans.__('Backtest of %1', header.strategy)}
    >
      <Header header={header} trans={trans} reportUrl={props.reportUrl} />
      <Warnings warnings={payload.warnings} trans={trans} />
      <Figures figures={payload.figures} trans={trans} />
      <ChartArea
        charts={payload.charts}
        trades={trades}
        environment={environment}
        summary={summary}
        selected={selected}
        onSelect={trade => {
          setSelected(trade);
          setTab('trades');
        }}
      />
      <div
        ref={tabs}
        className="alphintra-Tabs"
        role="tablist"
        aria-label={trans.__('Tables')}
        data-lm-suppress-shortcuts="true"
        onKeyDown={onTabKey}
      >
        {names.map(name => (
          <button
            key={name}
            id={`${baseId}-${name}`}
            type="button"
            role="tab"
            aria-selected={name === tab}
            aria-controls={`${baseId}-panel`}
            tabIndex={name === tab ? 0 : -1}
            onClick={() => setTab(name)}
          >
            {labels[name]}
            <span className="alphintra-Tabs-count">
              {payload.tables[name]!.total}
            </span>
          </button>
        ))}
      </div>
      <div
        id={`${baseId}-panel`}
        role="tabpanel"
        aria-labelledby={`${baseId}-${tab}`}
      >
        {table ? (
          <DataTable
            key={tab}
            name={tab}
            label={labels[tab]}
            table={table}
            place={place}
            trans={trans}
            fileStem={fileStem(payload)}
            {...(tab === 'trades'
              ? {
                  selected: selected?.row ?? null,
                  onSelect: (row: number) =>
                    setSelected(trades.find(item => item.row === row) ?? null)
                }
              : {})}
          />
        ) : null}
      </div>
    </article>
  );
}

/** A payload that cannot be drawn says why. */
export function PayloadView(props: {
  payload: unknown;
  environment: IResultEnvironment;
  reportUrl?: string;
}): JSX.Element {
  const { trans } = props.environment;
  const problem = problemOf(props.payload);
  if (problem === null) {
    return (
      <ResultView
        payload={props.payload as IResultPayload}
        environment={props.environment}
        {...(props.reportUrl ? { reportUrl: props.reportUrl } : {})}
      />
    );
  }
  return (
    <p className="alphintra-Problem" role="alert">
      {problem === 'newer'
        ? trans.__(
            'This result was written by a newer Alphintra. Update Alphintra to see it, or run the cell again.'
          )
        : trans.__(
            'This result is damaged and cannot be shown. Run the cell again.'
          )}
    </p>
  );
}

/** The view as a widget, for outputs and for the main area. */
export class ResultWidget extends ReactWidget {
  constructor(
    environment: IResultEnvironment,
    payload: unknown,
    reportUrl?: string
  ) {
    super();
    this._environment = environment;
    this._payload = payload;
    this._reportUrl = reportUrl;
    this.addClass('alphintra-ResultWidget');
  }

  protected override render(): JSX.Element {
    return (
      <PayloadView
        payload={this._payload}
        environment={this._environment}
        {...(this._reportUrl ? { reportUrl: this._reportUrl } : {})}
      />
    );
  }

  private _environment: IResultEnvironment;
  private _payload: unknown;
  private _reportUrl: string | undefined;
}
