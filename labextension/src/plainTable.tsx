/** A table without tools: of few rows, in the order in which they are given. */

import React from 'react';

/** The head and the rows; cells of a column of text have the class `alphintra-mod-left` as well. */
export function PlainTable(props: {
  label: string;
  head: readonly string[];
  /** Which columns hold text: they are aligned left. */
  left: ReadonlySet<number>;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <div className="alphintra-Table-scroll alphintra-Dataset-table">
      <table aria-label={props.label}>
        <thead>
          <tr>
            {props.head.map((text, i) => (
              <th key={i} scope="col" className={props.left.has(i) ? 'alphintra-mod-left' : ''}>
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
