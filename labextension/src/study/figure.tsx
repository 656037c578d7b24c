/** A chart of a study. It has its final height from the first moment, and is drawn when it comes near the window. */

import { downloadIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IResultEnvironment } from '../result/environment.js';
import { DataTable, newPlace } from '../result/table.js';
import { fixed } from '../result/format.js';
import { useWidth } from './canvas.js';
import { figureTable } from './figureData.js';
import type { IFigureBlock, Palette } from './payload.js';
import { themed } from './theme.js';
import { useTheme } from './useTheme.js';

interface IProps {
  block: IFigureBlock;
  palette: Palette;
  environment: IResultEnvironment;
  fileStem: string;
}

type Plotly = (typeof import('plotly.js-dist-min'))['default'];

const CONFIG = {
  displaylogo: false,
  displayModeBar: false,
  // The wheel scrolls the notebook; dragging zooms, a double click shows all again.
  scrollZoom: false,
  doubleClick: 'reset'
};

/** How far from the window a figure is drawn. */
const NEAR = '400px';

/** Plotly, in a file of its own that is loaded with the first figure. */
async function loadPlotly(): Promise<Plotly> {
  return (await import('plotly.js-dist-min')).default;
}

/** Whether a node has been near the window; it stays so. */
function useNear(node: React.RefObject<HTMLElement>): boolean {
  const [near, setNear] = React.useState(false);
  React.useEffect(() => {
    const watched = node.current;
    if (!watched || near) {
      return undefined;
    }
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) {
          setNear(true);
        }
      },
      { rootMargin: NEAR }
    );
    observer.observe(watched);
    return () => observer.disconnect();
  }, [near]);
  return near;
}

export function Figure(props: IProps): JSX.Element {
  const { block, palette, environment } = props;
  const { trans } = environment;
  const box = React.useRef<HTMLDivElement>(null);
  const host = React.useRef<HTMLDivElement>(null);
  const near = useNear(box);
  const width = useWidth(box);
  const theme = useTheme(box, palette, environment);
  const [plotly, setPlotly] = React.useState<Plotly | null>(null);
  const [drawn, setDrawn] = React.useState(false);
  const [failure, setFailure] = React.useState<string | null>(null);
  const [attempt, setAttempt] = React.useState(0);
  const [open, setOpen] = React.useState(false);
  const place = React.useRef(newPlace());

  React.useEffect(() => {
    let gone = false;
    if (near) {
      loadPlotly().then(
        loaded => {
          if (!gone) {
            setPlotly(() => loaded);
          }
        },
        (reason: unknown) => {
          if (!gone) {
            setFailure(String(reason));
          }
        }
      );
    }
    return () => {
      gone = true;
    };
  }, [near, attempt]);

  const prepared = React.useMemo(
    () => (theme ? themed(block, theme) : null),
    [block, theme]
  );

  React.useEffect(() => {
    const node = host.current;
    if (!plotly || !prepared || !node || width === 0) {
      return;
    }
    try {
      // Plotly writes into the layout that it draws.
      plotly
        .react(node, prepared.data, { ...prepared.layout, width }, CONFIG)
        .then(
          () => setDrawn(true),
          (reason: unknown) => setFailure(String(reason))
        );
    } catch (reason) {
      setFailure(String(reason));
    }
  }, [plotly, prepared, width]);

  React.useEffect(() => {
    const node = host.current;
    return () => {
      if (plotly && node) {
        plotly.purge(node);
      }
    };
  }, [plotly]);

  const table = React.useMemo(
    () =>
      open
        ? figureTable(block.data, block.layout, {
            series: trans.__('Series'),
            omitted: count => trans.__('%1 rows are left out', fixed(count, 0))
          })
        : null,
    [open, block]
  );

  const save = (): void => {
    if (!plotly || !prepared || !theme) {
      return;
    }
    const layout = { ...prepared.layout, width, paper_bgcolor: theme.background };
    void plotly
      .toImage(
        { data: prepared.data, layout },
        { format: 'png', scale: 2, width, height: block.height }
      )
      .then(url => {
        const link = document.createElement('a');
        link.href = url;
        link.download = `${props.fileStem}-${block.name}.png`;
        link.click();
      });
  };

  return (
    <figure className="alphintra-StudyFigure">
      <figcaption>
        <h4>{block.title}</h4>
        <button
          type="button"
          className="alphintra-Button"
          aria-expanded={open}
          title={trans.__('Show the numbers of this chart as a table')}
          onClick={() => setOpen(!open)}
        >
          {trans.__('Data')}
        </button>
        <button
          type="button"
          className="alphintra-Button"
          disabled={!drawn}
          title={trans.__('Save this chart as a picture')}
          onClick={save}
        >
          <downloadIcon.react tag="span" elementSize="normal" />
          {trans.__('PNG')}
        </button>
      </figcaption>
      <div ref={box} className="alphintra-StudyFigure-box" style={{ height: block.height }}>
        <div
          ref={host}
          role="img"
          aria-label={block.alt}
          data-drawn={drawn}
          hidden={failure !== null}
        />
        {failure !== null ? (
          <div className="alphintra-Problem" role="alert">
            <p>{trans.__('This chart could not be drawn. Its numbers are under Data.')}</p>
            <details>
              <summary>{trans.__('Details')}</summary>
              {failure}
            </details>
            <button
              type="button"
              className="alphintra-Button"
              onClick={() => {
                setFailure(null);
                setAttempt(attempt + 1);
              }}
            >
              {trans.__('Try again')}
            </button>
          </div>
        ) : drawn ? null : (
          <div className="alphintra-Skeleton" />
        )}
      </div>
      {block.note ? <p className="alphintra-muted alphintra-Note">{block.note}</p> : null}
      {open ? (
        table ? (
          <DataTable
            name={block.name}
            label={block.title}
            table={table}
            place={place.current}
            trans={trans}
            prose={false}
            fileStem={props.fileStem}
          />
        ) : (
          <p className="alphintra-muted">{block.alt}</p>
        )
      ) : null}
    </figure>
  );
}
