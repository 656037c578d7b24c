/** Connectors in a trader's words. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ConnectorKind, IConnector, IConnectorRun, ISchedule, RunState } from '../api/connectors.js';
import type { IFormComplaint, Timing } from './form.js';

export function kindText(kind: ConnectorKind, trans: TranslationBundle): string {
  return (
    {
      http: trans.__('web address'),
      exchange: trans.__('exchange'),
      postgresql: trans.__('PostgreSQL')
    }[kind] ?? kind
  );
}

/** From where it fetches, in few words. */
export function sourceText({ source }: Pick<IConnector, 'source'>): string {
  switch (source.kind) {
    case 'http':
      return String(source.url);
    case 'exchange':
      return [source.exchange, (source.symbols as string[]).join(', '), source.timeframe].join(' \u00b7 ');
    default:
      return `${String(source.host)} \u00b7 ${String(source.database)}`;
  }
}

export function timingText(timing: Timing, trans: TranslationBundle): string {
  return {
    hand: trans.__('only by hand'),
    clock: trans.__('at times of a clock'),
    close: trans.__("after an exchange's close")
  }[timing];
}

/** When it runs by itself, with the clock that is meant. */
export function scheduleText(schedule: ISchedule | null, trans: TranslationBundle): string {
  if (schedule === null) {
    return trans.__('only by hand');
  }
  return schedule.cron !== null
    ? trans.__('%1, clock of %2', schedule.cron, schedule.time_zone)
    : trans.__('%1 min after the close of %2', schedule.minutes, schedule.after_close ?? '');
}

/** How long something is away, either way; coarse, so that it does not flicker. */
function spanText(seconds: number, trans: TranslationBundle): string {
  if (seconds < 3_600) {
    return trans.__('%1 min', Math.max(1, Math.round(seconds / 60)));
  }
  return seconds < 48 * 3_600
    ? trans.__('%1 h', Math.round(seconds / 3_600))
    : trans.__('%1 days', Math.round(seconds / 86_400));
}

export function agoText(at: string, now: number, trans: TranslationBundle): string {
  const seconds = (now - Date.parse(at)) / 1_000;
  return seconds < 60 ? trans.__('just now') : trans.__('%1 ago', spanText(seconds, trans));
}

export function nextText(at: string, now: number, trans: TranslationBundle): string {
  const seconds = (Date.parse(at) - now) / 1_000;
  return seconds < 60 ? trans.__('now') : trans.__('in %1', spanText(seconds, trans));
}

/** A moment to the minute. */
export function momentText(at: string | null): string {
  return at === null ? '\u2013' : `${at.slice(0, 16).replace('T', ' ')} UTC`;
}

/** How a connector stands, with a mark: never told by colour alone. */
export interface IStanding {
  kind: 'running' | 'asks' | 'failed' | 'paused' | 'new' | 'fresh';
  mark: string;
  text: string;
}

export function standingOf(connector: IConnector, now: number, trans: TranslationBundle): IStanding {
  const { last_error: error, last_success_at: success } = connector;
  if (connector.running !== null) {
    return { kind: 'running', mark: '\u25d1', text: trans.__('running') };
  }
  if (error?.code === 'NEEDS_MAPPING') {
    return { kind: 'asks', mark: '?', text: trans.__('How is it read?') };
  }
  if (error) {
    return {
      kind: 'failed',
      mark: '\u2715',
      text: trans.__('%1: %2', agoText(error.at, now, trans), error.message || error.code)
    };
  }
  if (connector.paused) {
    return { kind: 'paused', mark: '\u2016', text: trans.__('paused') };
  }
  return success === null
    ? { kind: 'new', mark: '\u25cb', text: trans.__('has not run yet') }
    : { kind: 'fresh', mark: '\u2713', text: trans.__('up to date %1', agoText(success, now, trans)) };
}

/** When it runs next. */
export function dueText(connector: IConnector, now: number, trans: TranslationBundle): string {
  if (connector.paused) {
    return trans.__('paused');
  }
  return connector.next_run_at === null ? '' : trans.__('next %1', nextText(connector.next_run_at, now, trans));
}

export function runText(state: RunState, trans: TranslationBundle): string {
  return (
    {
      FETCHING: trans.__('fetching'),
      INGESTING: trans.__('reading and checking'),
      DONE: trans.__('new version'),
      NOTHING_NEW: trans.__('nothing new'),
      NEEDS_MAPPING: trans.__('asks how it is read'),
      FAILED: trans.__('failed'),
      CANCELLED: trans.__('cancelled')
    }[state] ?? state
  );
}

export function triggerText(trigger: IConnectorRun['trigger'], trans: TranslationBundle): string {
  return (
    { HAND: trans.__('by hand'), SCHEDULE: trans.__('by schedule'), RETRY: trans.__('tried again') }[trigger] ?? trigger
  );
}

/** A field's name as it is read. */
export function fieldLabel(name: string, trans: TranslationBundle): string {
  return (
    {
      url: trans.__('Address'),
      time_format: trans.__('Written as'),
      most_pages: trans.__('Most pages'),
      timeframe: trans.__('Time frame'),
      sslmode: trans.__('SSL'),
      since: trans.__('From'),
      overlap_bars: trans.__('Overlap'),
      cron: trans.__('Times'),
      time_zone: trans.__('Time zone'),
      after_close: trans.__('Calendar'),
      asset_class: trans.__('Asset class')
    }[name] ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ')
  );
}

export function complaintText({ kind, detail }: IFormComplaint, trans: TranslationBundle): string {
  switch (kind) {
    case 'missing':
      return trans.__('It is needed.');
    case 'no-number':
      return trans.__('Write a whole number.');
    case 'out-of-bounds':
      return trans.__('Within %1.', detail ?? '');
    case 'no-time':
      return trans.__('Write a date, such as 2020-01-31, or a time.');
    case 'no-pair':
      return trans.__('One a line: Authorization: Bearer \u2026');
    case 'not-like-this':
      return trans.__('It is not written like this: %1', detail ?? '');
  }
}
