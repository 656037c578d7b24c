/** What is wrong with a field of the run dialog, found here or said by the server. */

import type { TranslationBundle } from '@jupyterlab/translation';

/** The kinds of complaint about a field; the dialog says them in the trader's language. */
export type Complaint =
  | 'missing'
  | 'number'
  | 'whole'
  | 'positive'
  | 'amount'
  | 'fraction'
  | 'tiers'
  | 'low'
  | 'high'
  | 'date'
  | 'after'
  | 'length'
  | 'values'
  | 'order'
  | 'step'
  | 'needsStep'
  | 'nothingVaried'
  | 'tooMany'
  | 'server';

/** Fields have the names that the server's problems use, such as `method.grid.fast`. */
export interface IComplaint {
  field: string;
  kind: Complaint;
  limit?: number;
  /** What the server said. */
  text?: string;
}

export function complaintText(item: IComplaint, trans: TranslationBundle): string {
  const limit = String(item.limit);
  switch (item.kind) {
    case 'missing':
      return trans.__('Name a dataset.');
    case 'number':
      return trans.__('This is not a number.');
    case 'whole':
      return trans.__('This must be a whole number of %1 or more.', limit);
    case 'positive':
      return trans.__('This must be a number above 0.');
    case 'amount':
      return trans.__('This must be an amount of 0 or more.');
    case 'fraction':
      return trans.__('This must be a fraction from 0 to below 1: 0.001 is 0.1 %.');
    case 'tiers':
      return trans.__('Write rising bounds with fractions, the last one without a bound: 10000: 0.001, 0.0005.');
    case 'low':
      return trans.__('At least %1.', limit);
    case 'high':
      return trans.__('At most %1.', limit);
    case 'date':
      return trans.__('Write a date as 2010-01-31.');
    case 'after':
      return trans.__('The end must not be before the start.');
    case 'length':
      return trans.__('Write sessions, such as 252, or a duration: 2Y, 6M, 8W, 90D.');
    case 'values':
      return trans.__('Write a range such as 10:50:10, or values with commas.');
    case 'order':
      return trans.__('The range must start at its lower end.');
    case 'step':
      return trans.__('The step must be above 0.');
    case 'needsStep':
      return trans.__('A range of fractions needs a step: low:high:step.');
    case 'nothingVaried':
      return trans.__('Nothing varies: give at least one parameter a range or several values.');
    case 'tooMany':
      return trans.__(
        'One job runs at most %1: take larger steps, or search random with trials.',
        limit
      );
    case 'server':
      return item.text ?? '';
  }
}
