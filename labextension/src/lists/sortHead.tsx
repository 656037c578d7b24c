/** The head of a column by which a table is sorted. */

import { caretDownIcon, caretUpIcon } from '@jupyterlab/ui-components';
import React from 'react';

export function SortHead(props: {
  label: string;
  /** What the column says, on hover. */
  definition?: string;
  isLeft: boolean;
  /** How many columns it stands above. */
  span?: number;
  order: 'ascending' | 'descending' | 'none';
  onSort: () => void;
}): JSX.Element {
  const { order } = props;
  const Icon = order === 'descending' ? caretDownIcon : caretUpIcon;
  return (
    <th
      scope="col"
      colSpan={props.span ?? 1}
      className={props.isLeft ? 'alphintra-mod-left' : ''}
      aria-sort={order}
    >
      <button type="button" title={props.definition || undefined} onClick={props.onSort}>
        {props.label}
        {order === 'none' ? null : <Icon.react tag="span" width="12px" />}
      </button>
    </th>
  );
}

/** The order of a column as a table is sorted; `isOwn` where it is by this one. */
export function orderOf(isOwn: boolean, isFalling: boolean | undefined): 'ascending' | 'descending' | 'none' {
  return isOwn ? (isFalling ? 'descending' : 'ascending') : 'none';
}
