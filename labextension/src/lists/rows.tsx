/**
 * The rows of a list: one stop of the Tab key, walked by the arrow keys, Home, End and the pages, opened by Enter.
 *
 * A row may have buttons; the Tab key goes through those of the row that it stands on alone. When that row goes away,
 * the focus goes to its neighbour instead of being lost.
 */

import type { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { rowAt, standsOn } from './keys.js';

/** The row that the Tab key stops at. */
const Standing = React.createContext<string | null>(null);

/** What the Tab key does with the buttons of a row; outside of rows it does what it does. */
const Tab = React.createContext<number | undefined>(undefined);

/** For whatever stands in a row and takes the focus: its `tabIndex`. */
export function useRowTab(): number | undefined {
  return React.useContext(Tab);
}

/** The part of a panel that scrolls: its lists are walked as one. */
function scrollerOf(list: HTMLElement): HTMLElement {
  return list.closest<HTMLElement>('.alphintra-Panel-body') ?? list;
}

function rowsIn(node: HTMLElement): HTMLElement[] {
  return [...node.querySelectorAll<HTMLElement>('[data-row]')];
}

/** As many rows as are in view, but one that is seen again. */
function pageOf(list: HTMLElement, row: HTMLElement): number {
  return Math.max(1, Math.floor(scrollerOf(list).clientHeight / Math.max(1, row.offsetHeight)) - 1);
}

interface IRowsProps {
  label: string;
  /** The ids of the rows in their order. */
  ids: readonly string[];
  /** The row of what is open in front: the Tab key comes to it first. */
  current?: string | null;
  /** Whether several can be chosen; each row says then whether it is. */
  multiple?: boolean;
  children: React.ReactNode;
}

export function Rows({ label, ids, current, multiple, children }: IRowsProps): JSX.Element {
  const list = React.useRef<HTMLUListElement>(null);
  const [cursor, setCursor] = React.useState<string | null>(null);
  const before = React.useRef(ids);
  const hasFocus = React.useRef(false);
  const at = standsOn(ids, before.current, cursor ?? current ?? null);

  React.useEffect(() => {
    before.current = ids;
    if (cursor !== null && at !== cursor) {
      setCursor(at);
    }
    // What had the focus was taken away: React tells of no blur then.
    if (hasFocus.current && at !== null && document.activeElement === document.body) {
      rowsIn(list.current!)[ids.indexOf(at)]?.focus();
    }
  });

  const onKey = (event: React.KeyboardEvent<HTMLElement>): void => {
    const target = event.target as HTMLElement;
    const row = target.closest<HTMLElement>('[data-row]');
    if (!row || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === 'Escape' && target !== row) {
      event.preventDefault();
      row.focus();
      return;
    }
    const rows = rowsIn(scrollerOf(event.currentTarget));
    const to = rowAt(event.key, rows.indexOf(row), rows.length, pageOf(event.currentTarget, row));
    if (to !== null) {
      event.preventDefault();
      rows[to]!.focus();
    }
  };

  return (
    <ul
      ref={list}
      className="alphintra-Items"
      role="grid"
      aria-label={label}
      aria-multiselectable={multiple}
      onKeyDown={onKey}
      onFocus={event => {
        hasFocus.current = true;
        setCursor((event.target as HTMLElement).closest<HTMLElement>('[data-row]')?.dataset.row ?? cursor);
      }}
      onBlur={event => {
        hasFocus.current = event.currentTarget.contains(event.relatedTarget);
      }}
    >
      <Standing.Provider value={at}>{children}</Standing.Provider>
    </ul>
  );
}

interface IRowProps extends React.LiHTMLAttributes<HTMLLIElement> {
  id: string;
  /** What is said of it by those who cannot see it. */
  label: string;
  className: string;
  /** Whether it is open in front. */
  current?: boolean;
  /** By Enter, and by a click unless `onClick` is given. */
  onOpen: (() => void) | undefined;
  /** Other keys, while the row itself has the focus. */
  onKey?: (event: React.KeyboardEvent<HTMLElement>) => void;
}

export function Row(props: IRowProps): JSX.Element {
  const { id, label, className, current, onOpen, onKey, children, ...rest } = props;
  const tab = React.useContext(Standing) === id ? 0 : -1;
  return (
    <li
      onClick={onOpen}
      {...rest}
      className={`alphintra-Item ${className}${current ? ' alphintra-mod-current' : ''}`}
      role="row"
      data-row={id}
      tabIndex={tab}
      aria-label={label}
      aria-current={current ? 'true' : undefined}
      onKeyDown={event => {
        if (event.target !== event.currentTarget) {
          return;
        }
        if (event.key === 'Enter') {
          event.preventDefault();
          onOpen?.();
        } else {
          onKey?.(event);
        }
      }}
    >
      <div className="alphintra-Item-cell" role="gridcell">
        <Tab.Provider value={tab}>{children}</Tab.Provider>
      </div>
    </li>
  );
}

interface IRowButtonProps extends Omit<React.ButtonHTMLAttributes<HTMLButtonElement>, 'onClick'> {
  onPress: () => void;
}

/** A button in a row: pressing it does not open the row. */
export function RowButton({ onPress, ...rest }: IRowButtonProps): JSX.Element {
  return (
    <button
      type="button"
      tabIndex={useRowTab()}
      {...rest}
      onClick={event => {
        event.stopPropagation();
        onPress();
      }}
    />
  );
}

interface IIconButtonProps {
  label: string;
  icon: LabIcon;
  size?: 'small' | 'normal';
  className?: string;
  disabled?: boolean;
  onPress: () => void;
}

export function IconButton({ label, icon, size, className, ...rest }: IIconButtonProps): JSX.Element {
  return (
    <RowButton className={`alphintra-IconButton ${className ?? ''}`} title={label} aria-label={label} {...rest}>
      <icon.react tag="span" elementSize={size ?? 'normal'} />
    </RowButton>
  );
}
