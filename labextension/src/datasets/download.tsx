/** A dataset as a file: which kind, which symbols, which dates. */

import React from 'react';

import { describe } from '../api/problem.js';
import { fixed } from '../result/format.js';
import type { IAlphintra } from '../tokens.js';
import { FORMATS, IDownloadForm, queryOf } from './downloadQuery.js';

interface IProps {
  /** Which version of which dataset; `null` for what ships. */
  of: { id: string; version: number | null };
  symbols: readonly string[];
  alphintra: IAlphintra;
}

const NOTHING: IDownloadForm = { format: 'csv', symbols: [], start: '', end: '', escape: false };

export function DownloadMenu({ of, symbols, alphintra }: IProps): JSX.Element {
  const { client, trans } = alphintra;
  const [isOpen, setOpen] = React.useState(false);
  const [form, setForm] = React.useState<IDownloadForm>(NOTHING);
  const [state, setState] = React.useState<{ text: string; isProblem: boolean } | null>(null);
  const [isBusy, setBusy] = React.useState(false);
  const button = React.useRef<HTMLButtonElement>(null);
  const panel = React.useRef<HTMLFormElement>(null);
  const id = React.useId();
  const change = (part: Partial<IDownloadForm>): void => {
    setForm({ ...form, ...part });
    setState(null);
  };
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  React.useEffect(() => {
    if (!isOpen) {
      return undefined;
    }
    panel.current?.querySelector<HTMLElement>('select')?.focus();
    const away = (event: PointerEvent): void => {
      const target = event.target as Node;
      if (!panel.current?.contains(target) && !button.current?.contains(target)) {
        setOpen(false);
      }
    };
    document.addEventListener('pointerdown', away, true);
    return () => document.removeEventListener('pointerdown', away, true);
  }, [isOpen]);
  const start = async (): Promise<void> => {
    if (isBusy) {
      return;
    }
    const query = queryOf(form, of.version);
    setBusy(true);
    setState(null);
    try {
      // The browser tells nobody why it got no file: whether it can be had is asked before.
      const plan = await client.downloadPlan(of.id, query);
      if (plan.rows === 0) {
        setState({ text: trans.__('There are no rows of this symbol between these dates.'), isProblem: true });
        return;
      }
      const link = document.createElement('a');
      link.href = client.downloadUrl(of.id, query);
      link.download = plan.file_name;
      link.click();
      setState({ text: trans.__('%1 rows are on their way: %2', fixed(plan.rows, 0), plan.file_name), isProblem: false });
    } catch (reason) {
      setState({ text: describe(reason).text, isProblem: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="alphintra-Download">
      <button
        ref={button}
        type="button"
        className="alphintra-Button"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {trans.__('Download')}
      </button>
      {isOpen ? (
        <form
          ref={panel}
          id={id}
          className="alphintra-Download-form"
          aria-label={trans.__('Download')}
          data-lm-suppress-shortcuts="true"
          onKeyDown={event => {
            if (event.key === 'Escape') {
              event.stopPropagation();
              close();
            }
          }}
          onSubmit={event => {
            event.preventDefault();
            void start();
          }}
        >
          <label>
            {trans.__('Format')}
            <select
              className="alphintra-Input"
              value={form.format}
              onChange={event => change({ format: event.target.value as IDownloadForm['format'] })}
            >
              {FORMATS.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          {symbols.length > 1 ? (
            <label>
              {trans.__('Symbol')}
              <select
                className="alphintra-Input"
                value={form.symbols[0] ?? ''}
                onChange={event => change({ symbols: event.target.value ? [event.target.value] : [] })}
              >
                <option value="">{trans.__('all %1', fixed(symbols.length, 0))}</option>
                {symbols.map(own => (
                  <option key={own} value={own}>
                    {own}
                  </option>
                ))}
              </select>
            </label>
          ) : null}
          {(['start', 'end'] as const).map(end => (
            <label key={end}>
              {end === 'start' ? trans.__('From') : trans.__('To')}
              <input
                type="text"
                className="alphintra-Input"
                placeholder="YYYY-MM-DD"
                value={form[end]}
                onChange={event => change({ [end]: event.target.value.trim() })}
              />
            </label>
          ))}
          {form.format === 'csv' ? (
            <label className="alphintra-Download-check">
              <input
                type="checkbox"
                checked={form.escape}
                onChange={event => change({ escape: event.target.checked })}
              />
              {trans.__('Safe to open in a spreadsheet: texts that look like formulas get an apostrophe')}
            </label>
          ) : null}
          <p className={state?.isProblem ? 'alphintra-Problem' : 'alphintra-muted'} role={state?.isProblem ? 'alert' : 'status'}>
            {state?.text ?? ''}
          </p>
          <div className="alphintra-Download-actions">
            <button type="button" className="alphintra-Button" onClick={close}>
              {trans.__('Close')}
            </button>
            <button type="submit" className="alphintra-Button alphintra-mod-primary" aria-disabled={isBusy}>
              {trans.__('Download')}
            </button>
          </div>
        </form>
      ) : null}
    </div>
  );
}
