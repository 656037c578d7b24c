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
import { IStand, WhyButtons, placeOf, reasonAgainst, sidesOf } from './why.js';

interface IProps {
  payload: IResultPayload;
  environment: IResultEnvironment;
  reportUrl?: string;
  /** Opens the replay; absent where nothing can. */
  stand?: IStand;
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
  const [picked, setPicked] = React.useState<Partial<Record<TableName, number>>>({});
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
  const { stand } = props;
  const article = React.useRef<HTMLElement>(null);
  const rowOf = (name: TableName): number | null =>
    name === 'trades' ? (selected?.row ?? null) : (picked[name] ?? null);
  const why = (name: TableName, row: number | null): (() => void) | null => {
    const side = sidesOf(name)[0];
    if (!stand || side === undefined || row === null || !article.current) {
      return null;
    }
    const from = payload.tables[name];
    const node = article.current;
    return reasonAgainst(header, from, side, row, trans) === null
      ? () => stand.go(header, placeOf(from, side, row)!, node)
      : null;
  };
  const chosen = rowOf(tab);
  React.useEffect(() => {
    const go = why(tab, chosen);
    if (chosen !== null) {
      stand?.choose(go);
    }
    return () => {
      if (chosen !== null) {
        stand?.choose(null);
      }
    };
  }, [payload, tab, chosen, stand]);
  const whyButtons = (name: TableName, row: number | null): React.ReactNode =>
    stand && sidesOf(name).length > 0 ? (
      <WhyButtons
        stand={stand}
        header={header}
        name={name}
        table={payload.tables[name]}
        row={row}
        trans={trans}
      />
    ) : null;
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
      ref={article}
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
        actions={trade => whyButtons('trades', trade.row)}
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
            actions={whyButtons(tab, chosen)}
            onWhy={row => why(tab, row)?.()}
            {...(tab === 'trades'
              ? {
                  selected: chosen,
                  onSelect: (row: number) =>
                    setSelected(trades.find(item => item.row === row) ?? null)
                }
              : stand && sidesOf(tab).length > 0
                ? {
                    selected: chosen,
                    onSelect: (row: number) => setPicked({ ...picked, [tab]: row })
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
  stand?: IStand;
}): JSX.Element {
  const { trans } = props.environment;
  const problem = problemOf(props.payload);
  if (problem === null) {
    return (
      <ResultView
        payload={props.payload as IResultPayload}
        environment={props.environment}
        {...(props.reportUrl ? { reportUrl: props.reportUrl } : {})}
        {...(props.stand ? { stand: props.stand } : {})}
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

/** The view as a widget, for outputs. */
export class ResultWidget extends ReactWidget {
  constructor(
    environment: IResultEnvironment,
    payload: unknown,
    stand: IStand | null
  ) {
    super();
    this._environment = environment;
    this._payload = payload;
    this._stand = stand;
    this.addClass('alphintra-ResultWidget');
  }

  protected override render(): JSX.Element {
    return (
      <PayloadView
        payload={this._payload}
        environment={this._environment}
        {...(this._stand ? { stand: this._stand } : {})}
      />
    );
  }

  private _environment: IResultEnvironment;
  private _payload: unknown;
  private _stand: IStand | null;
}
