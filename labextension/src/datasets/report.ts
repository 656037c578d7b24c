/** What the rules found on a version, from the lines in which the catalogue keeps it. No DOM. */

import type { IDatasetVersion } from '../api/datasets.js';

/** Errors of one rule. */
export interface IReportLine {
  rule: string;
  text: string;
  /** `3 places, the first: prices.csv, row 2 (line 3)`; empty where it is not known. */
  place: string;
  /** Who accepted it, when and why; `null` while it is open. */
  accepted: { who: string; when: string; why: string } | null;
}

/** Read `RULE: what (how many, where)`; of a line that is none, all is its text. */
export function lineOf(line: string): IReportLine {
  const parts = /^([A-Z][A-Z0-9_]+): (.*?)(?: \((\d[\d,]* places?[^]*)\))?$/.exec(line);
  return parts
    ? { rule: parts[1]!, text: parts[2]!, place: parts[3] ?? '', accepted: null }
    : { rule: '', text: line, place: '', accepted: null };
}

/** The open errors, then those that somebody accepted. */
export function reportLines(version: Pick<IDatasetVersion, 'validation_errors' | 'acknowledgements'>): IReportLine[] {
  const accepted = version.acknowledgements.map(own => ({
    rule: own.rule ?? '',
    text: '',
    place: '',
    accepted: { who: own.who ?? '', when: own.when ?? '', why: own.why ?? '' }
  }));
  return [...version.validation_errors.map(lineOf), ...accepted];
}
