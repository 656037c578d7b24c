/** Splits, dividends and symbols of a dataset: on a time axis, and as the table that has all there is to say. */

import React from 'react';

import type { DatasetCell } from '../api/datasets.js';
import { describe } from '../api/problem.js';
import { fixed } from '../result/format.js';
import { DataTable, IPlace, newPlace } from '../result/table.js';
import type { IAlphintra } from '../tokens.js';
import { DownloadMenu } from './download.js';
import { IEvent, countsOf, eventTable, eventsOf, rowsOf } from './events.js';
import { EventsAxis } from './eventsAxis.js';
import { SymbolChoice } from './symbolChoice.js';
import { eventColumnText, eventKindText } from './words.js';

interface IProps {
  of: { id: string; version: number | null };
  name: string;
  symbols: readonly string[];
  /** Rows of the version. */
  total: number;
  /** Some of its rows: shown where the others cannot be read. */
  sample: readonly Record<string, DatasetCell>[];
  alphintra: IAlphintra;
}

/** As many events are shown at once; of more, those of one symbol. */
const MOST = 5_000;
/** By the ex-date, which is the third column of the table. */
const NEWEST_FIRST = { column: 2, descending: true };

/** The events of a symbol, or of all; the sample of them with the reason where they cannot be read. */
function useEvents(
  { of, alphintra, sample }: IProps,
  asked: string
): { events: IEvent[] | null; problem: string | null; readAgain: () => void } {
  const [again, readAgain] = React.useReducer((count: number) => count + 1, 0);
  const [found, setFound] = React.useState<{ asked: string; events: IEvent[]; problem: string | null } | null>(null);
  React.useEffect(() => {
    const abort = new AbortController();
    const { id, version } = of;
    const symbols = asked === '' ? {} : { symbols: JSON.stringify([asked]) };
    alphintra.client
      .datasetLines(id, { format: 'jsonl', ...(version === null ? {} : { version }), ...symbols }, abort.signal)
      .then(lines => ({ asked, events: eventsOf(rowsOf(lines)), problem: null }))
      .catch((reason: unknown) => {
        const own = sample.filter(row => asked === '' || row.symbol === asked);
        return { asked, events: eventsOf(own), problem: describe(reason).text };
      })
      .then(next => abort.signal.aborted || setFound(next));
    return () => abort.abort();
  }, [of.id, of.version, asked, again]);
  return { ...(found?.asked === asked ? found : { events: null, problem: null }), readAgain };
}

export function EventsArea(props: IProps): JSX.Element {
  const { of, symbols, total, alphintra } = props;
  const { trans } = alphintra;
  const isWhole = total <= MOST;
  const [symbol, setSymbol] = React.useState(isWhole ? '' : (symbols[0] ?? ''));
  const { events, problem, readAgain } = useEvents(props, isWhole ? '' : symbol);
  const [hidden, setHidden] = React.useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = React.useState<number | null>(null);
  const [text, setText] = React.useState('');
  const place = React.useRef<IPlace>({ ...newPlace(), sort: NEWEST_FIRST });
  const ofSymbol = React.useMemo(
    () => (events ?? []).filter(event => symbol === '' || event.symbol === symbol),
    [events, symbol]
  );
  const shown = React.useMemo(() => ofSymbol.filter(({ kind }) => !hidden.has(kind)), [ofSymbol, hidden]);
  const table = React.useMemo(
    () =>
      eventTable(shown, {
        kind: kind => eventKindText(kind, trans),
        column: name => eventColumnText(name, trans),
        corrected: trans.__('corrected later')
      }),
    [shown]
  );
  const kinds = React.useMemo(() => countsOf(ofSymbol), [ofSymbol]);
  const leave = (): void => {
    setSelected(null);
    setText('');
  };
  const toggle = (kind: string): void => {
    const next = new Set(hidden);
    if (!next.delete(kind)) {
      next.add(kind);
    }
    setHidden(next);
    leave();
  };
  return (
    <section className="alphintra-Dataset-chart alphintra-Events" aria-label={trans.__('Events')} aria-busy={events === null}>
      <div className="alphintra-Dataset-chart-head">
        <SymbolChoice
          symbols={symbols}
          chosen={symbol}
          all={isWhole ? trans.__('all %1 symbols', fixed(symbols.length, 0)) : null}
          trans={trans}
          onChoose={own => {
            setSymbol(own);
            leave();
          }}
        />
        {kinds.length > 1 ? (
          <span className="alphintra-Events-kinds" role="group" aria-label={trans.__('Kinds that are shown')}>
            {kinds.map(([kind]) => (
              <button
                key={kind}
                type="button"
                className="alphintra-Button"
                aria-pressed={!hidden.has(kind)}
                onClick={() => toggle(kind)}
              >
                {eventKindText(kind, trans)}
              </button>
            ))}
          </span>
        ) : null}
        <span className="alphintra-Dataset-values" role="status">
          {text}
        </span>
        <DownloadMenu of={of} symbols={symbols} alphintra={alphintra} />
      </div>
      {problem === null ? null : (
        <p className="alphintra-Problem" role="alert">
          {trans.__('These are some of its rows only. %1', problem)}{' '}
          <button type="button" className="alphintra-Button" onClick={readAgain}>
            {trans.__('Try again')}
          </button>
        </p>
      )}
      {events === null ? (
        <div className="alphintra-Events-loading alphintra-Skeleton" />
      ) : shown.length === 0 ? (
        <p className="alphintra-muted">
          {ofSymbol.length > 0
            ? trans.__('All kinds are hidden.')
            : trans.__('Nothing is known to have happened to this symbol.')}
        </p>
      ) : (
        <>
          <EventsAxis events={shown} selected={selected} trans={trans} onSelect={setSelected} onPoint={setText} />
          <DataTable
            name="events"
            label={trans.__('Events')}
            table={table}
            place={place.current}
            trans={trans}
            selected={selected}
            onSelect={setSelected}
            fileStem={props.name}
          />
        </>
      )}
    </section>
  );
}
