/** A table that sorts, filters, exports and keeps its place. Only the rows in view are drawn. */

import { downloadIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { rowAt } from '../lists/keys.js';
import { SortHead, orderOf } from '../lists/sortHead.js';
import { direction, fixed } from './format.js';
import type { ITable } from './payload.js';
import {
  ITableState,
  cellText,
  dateColumns,
  nextSort,
  toCsv,
  visibleRows
} from './tableModel.js';

export interface IPlace extends ITableState {
  scroll: number;
  /** Row of the table that the keyboard stands on. */
  cursor: number;
}

export function newPlace(): IPlace {
  return { sort: null, filter: '', scroll: 0, cursor: 0 };
}

interface IProps {
  name: string;
  label: string;
  table: ITable;
  place: IPlace;
  trans: TranslationBundle;
  selected?: number | null;
  /** Called with the row's index in the table; rows are then selectable. */
  onSelect?: (row: number) => void;
  /** Rows that are chosen, where several can be. */
  chosen?: ReadonlySet<number>;
  /** Show the chosen rows alone. */
  only?: boolean;
  /** A row that stands out, and what it is. */
  marked?: { row: number; label: string };
  /** Beside the tools: what can be done with the chosen row. */
  actions?: React.ReactNode;
  /** Called by the key w with the row that the keyboard stands on. */
  onWhy?: (row: number) => void;
  /** Long texts wrap, and all rows are drawn. */
  prose?: boolean;
  fileStem: string;
}

/** Height of a row in pixels, the same as in the style sheet. */
const ROW = 28;
const HEADER = 30;
const SHOWN = 12;
/** Long texts wrap, so tables of prose are drawn whole instead of by window. */
const PROSE = new Set(['assumptions', 'metrics', 'log']);

const LEFT = new Set(['text']);

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function DataTable(props: IProps): JSX.Element {
  const { table, place, trans, onSelect, selected, chosen, marked } = props;
  const [state, setState] = React.useState<ITableState>({
    sort: place.sort,
    filter: place.filter
  });
  const [scroll, setScroll] = React.useState(place.scroll);
  const [cursor, setCursor] = React.useState(place.cursor);
  const body = React.useRef<HTMLDivElement>(null);
  const dates = React.useMemo(() => dateColumns(table), [table]);
  const found = React.useMemo(() => visibleRows(table, state), [table, state]);
  const only = props.only && chosen ? chosen : null;
  const rows = React.useMemo(
    () => (only ? found.filter(row => only.has(row)) : found),
    [found, only]
  );
  Object.assign(place, state, { scroll, cursor });

  React.useLayoutEffect(() => {
    if (body.current) {
      body.current.scrollTop = place.scroll;
    }
  }, []);

  // A trade chosen in the chart is brought into view here.
  React.useEffect(() => {
    const at = selected === null || selected === undefined ? -1 : rows.indexOf(selected);
    const node = body.current;
    if (at >= 0 && node) {
      const top = at * ROW;
      if (top < node.scrollTop || top > node.scrollTop + ROW * (SHOWN - 1)) {
        node.scrollTop = Math.max(0, top - ROW * 3);
      }
      setCursor(at);
    }
  }, [selected]);

  const prose = props.prose ?? PROSE.has(props.name);
  // Fewer rows than before leave the scroll position beyond the last one.
  const at = Math.min(scroll, Math.max(0, rows.length - SHOWN) * ROW);
  const first = prose ? 0 : Math.max(0, Math.floor(at / ROW) - 4);
  const last = prose ? rows.length : Math.min(rows.length, first + SHOWN + 9);
  const focused = Math.max(0, Math.min(cursor, rows.length - 1));
  const isChosen = (row: number): boolean =>
    chosen ? chosen.has(row) : selected === row;

  const focusRow = (to: number): void => {
    const node = body.current;
    setCursor(to);
    if (!node) {
      return;
    }
    const top = to * ROW;
    if (!prose) {
      if (top < node.scrollTop) {
        node.scrollTop = top;
      } else if (top + ROW * 2 + HEADER > node.scrollTop + node.clientHeight) {
        node.scrollTop = top + ROW * 2 + HEADER - node.clientHeight;
      }
    }
    requestAnimationFrame(() => {
      node.querySelector<HTMLElement>(`[data-at="${to}"]`)?.focus();
    });
  };

  const onKey = (event: React.KeyboardEvent): void => {
    const row = (event.target as HTMLElement).closest('[data-at]');
    if (!row) {
      return;
    }
    const to = rowAt(event.key, focused, rows.length, SHOWN);
    if (to !== null) {
      event.preventDefault();
      focusRow(to);
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const index = rows[focused];
      if (index !== undefined) {
        onSelect?.(index);
      }
    } else if (event.key === 'w' && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const index = rows[focused];
      if (index !== undefined && props.onWhy) {
        event.preventDefault();
        onSelect?.(index);
        props.onWhy(index);
      }
    }
  };

  const span = table.columns.length;
  return (
    <div className="alphintra-Table" data-lm-suppress-shortcuts="true">
      <div className="alphintra-Table-tools">
        <input
          type="search"
          className="alphintra-Input"
          placeholder={trans.__('Filter')}
          aria-label={trans.__('Filter the table %1', props.label)}
          value={state.filter}
          onChange={event => setState({ ...state, filter: event.target.value })}
        />
        <span className="alphintra-muted" role="status">
          {rows.length === table.total
            ? trans
                ._n('%1 row', '%1 rows', table.total)
                .replace(String(table.total), fixed(table.total, 0))
            : trans.__('%1 of %2 rows', fixed(rows.length, 0), fixed(table.total, 0))}
          {table.omitted ? ` \u00b7 ${table.omitted}` : ''}
        </span>
        {props.actions}
        <button
          type="button"
          className="alphintra-Button"
          disabled={rows.length === 0}
          onClick={() =>
            download(`${props.fileStem}-${props.name}.csv`, toCsv(table, rows))
          }
        >
          <downloadIcon.react tag="span" elementSize="normal" />
          {trans.__('CSV')}
        </button>
      </div>
      <div
        ref={body}
        className="alphintra-Table-scroll"
        style={prose ? {} : { maxHeight: HEADER + ROW * SHOWN + 2 }}
        onScroll={event => setScroll(event.currentTarget.scrollTop)}
        onKeyDown={onKey}
      >
        <table
          aria-label={props.label}
          aria-rowcount={rows.length + 1}
          aria-multiselectable={chosen ? true : undefined}
          className={prose ? 'alphintra-mod-prose' : ''}
        >
          <thead>
            <tr aria-rowindex={1}>
              {table.columns.map((column, index) => (
                <SortHead
                  key={column.name}
                  label={column.label}
                  definition={column.definition}
                  isLeft={LEFT.has(column.format)}
                  order={orderOf(state.sort?.column === index, state.sort?.descending)}
                  onSort={() => setState({ ...state, sort: nextSort(state.sort, index) })}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {first > 0 ? (
              <tr aria-hidden="true" style={{ height: first * ROW }}>
                <td colSpan={span} />
              </tr>
            ) : null}
            {rows.slice(first, last).map((index, offset) => {
              const at = first + offset;
              const cells = table.rows[index]!;
              return (
                <tr
                  key={index}
                  data-at={at}
                  aria-rowindex={at + 2}
                  tabIndex={at === focused ? 0 : -1}
                  aria-selected={onSelect ? isChosen(index) : undefined}
                  className={isChosen(index) ? 'alphintra-mod-selected' : ''}
                  onFocus={() => setCursor(at)}
                  onClick={() => onSelect?.(index)}
                >
                  {table.columns.map((column, i) => {
                    const value = cells[i];
                    const tint = column.signed
                      ? ` alphintra-mod-${direction(value)}`
                      : '';
                    return (
                      <td
                        key={column.name}
                        className={
                          (LEFT.has(column.format) ? 'alphintra-mod-left' : '') + tint
                        }
                      >
                        {i === 0 && marked?.row === index ? (
                          <span
                            className="alphintra-Table-mark"
                            role="img"
                            aria-label={marked.label}
                            title={marked.label}
                          >
                            {'\u2605'}
                          </span>
                        ) : null}
                        {cellText(value, column, dates[i]!)}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
            {last < rows.length ? (
              <tr
                aria-hidden="true"
                style={{ height: (rows.length - last) * ROW }}
              >
                <td colSpan={span} />
              </tr>
            ) : null}
            {rows.length === 0 ? (
              <tr>
                <td colSpan={span} className="alphintra-mod-left alphintra-muted">
                  {table.rows.length === 0
                    ? trans.__('Nothing here: this run has no rows of this kind.')
                    : trans.__('No row has these words.')}
                </td>
              </tr>
            ) : null}
          </tbody>
        </table>
      </div>
    </div>
  );
}
