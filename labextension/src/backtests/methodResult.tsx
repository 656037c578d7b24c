/** What a method found, before the run that it is about: two pages of one document. */

import { launchIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { LinkButton } from '../result/header.js';
import { PayloadView } from '../result/view.js';
import type { IStand } from '../result/why.js';
import type { IAlphintra } from '../tokens.js';
import { LazyStudy } from './study.js';

interface IProps {
  methodology: string;
  study: unknown;
  /** The view of the run. */
  view: unknown;
  alphintra: IAlphintra;
  /** Opens the replay of the run. */
  stand: IStand | undefined;
  reportUrl: string;
  waiting: React.ReactNode;
}

type Page = 'study' | 'run';
const PAGES: readonly Page[] = ['study', 'run'];

export function MethodResult(props: IProps): JSX.Element {
  const { alphintra } = props;
  const { trans } = alphintra;
  const [page, setPage] = React.useState<Page>('study');
  const tabs = React.useRef<HTMLDivElement>(null);
  const id = React.useId();
  const runs: Record<string, string> = {
    SWEEP: trans.__('Best variant'),
    WALK_FORWARD: trans.__('Out-of-sample account'),
    MONTE_CARLO: trans.__('The run')
  };
  const labels: Record<Page, string> = {
    study: trans.__('Study'),
    run: runs[props.methodology] ?? trans.__('Run')
  };
  const onKey = (event: React.KeyboardEvent): void => {
    if (['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) {
      event.preventDefault();
      const to =
        event.key === 'Home' ? 0 : event.key === 'End' ? 1 : 1 - PAGES.indexOf(page);
      setPage(PAGES[to]!);
      tabs.current?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
    }
  };
  return (
    <>
      <div className="alphintra-Pages">
        <div
          ref={tabs}
          className="alphintra-Tabs"
          role="tablist"
          aria-label={trans.__('Pages of the result')}
          data-lm-suppress-shortcuts="true"
          onKeyDown={onKey}
        >
          {PAGES.map(name => (
            <button
              key={name}
              id={`${id}-${name}`}
              type="button"
              role="tab"
              aria-selected={name === page}
              aria-controls={`${id}-page`}
              tabIndex={name === page ? 0 : -1}
              onClick={() => setPage(name)}
            >
              {labels[name]}
            </button>
          ))}
        </div>
        <LinkButton href={props.reportUrl} label={trans.__('Report')} icon={launchIcon} />
      </div>
      <div id={`${id}-page`} role="tabpanel" aria-labelledby={`${id}-${page}`}>
        {page === 'study' ? (
          <LazyStudy
            payload={props.study}
            environment={alphintra}
            waiting={props.waiting}
          />
        ) : (
          <PayloadView
            payload={props.view}
            environment={alphintra}
            {...(props.stand ? { stand: props.stand } : {})}
          />
        )}
      </div>
    </>
  );
}
