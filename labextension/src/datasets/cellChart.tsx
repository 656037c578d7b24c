/** The chart of a dataset in the output of a cell: that of its page, over all its rows. */

import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ReactWidget } from '@jupyterlab/ui-components';
import { Panel } from '@lumino/widgets';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IDatasetChart } from '../api/datasets.js';
import { ApiError, describe } from '../api/problem.js';
import type { IAlphintra } from '../tokens.js';
import { DATASET_MIME, IDatasetPayload, payloadOf } from './cellPayload.js';
import { ChartArea } from './chartArea.js';

/** As many points are drawn where the server reads no files. */
const POINTS = 2_000;

/** Read what is drawn where no candles come. Throws where the dataset is not there, or is another one. */
async function readFirst(client: Client, payload: IDatasetPayload, symbol: string): Promise<IDatasetChart> {
  const { dataset, version, version_id } = payload;
  if (version !== null && version_id !== null && (await client.datasetVersion(dataset, version)).id !== version_id) {
    throw new ApiError({ status: 404, title: `${dataset}@${version} is another dataset by now.` });
  }
  const asked = version === null ? {} : { version };
  return (await client.datasetPreview(dataset, { ...asked, symbol, rows: 1, max_points: POINTS })).chart_data;
}

interface IProps {
  payload: IDatasetPayload;
  alphintra: IAlphintra;
  /** Told whether the chart stands, so that the picture beside it is shown where it does not. */
  onState: (isDrawn: boolean) => void;
}

function CellChart({ payload, alphintra, onState }: IProps): JSX.Element {
  const { client, trans } = alphintra;
  const [first, setFirst] = React.useState<IDatasetChart | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [again, setAgain] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    let isGone = false;
    readFirst(client, payload, payload.symbols[0]!).then(
      found => {
        if (!isGone) {
          setFirst(found);
          setError(null);
          onState(true);
        }
      },
      (reason: unknown) => {
        if (!isGone) {
          setError(reason);
          onState(false);
        }
      }
    );
    return () => {
      isGone = true;
    };
  }, [payload, again]);
  if (error !== null) {
    return (
      <p className="alphintra-Cell-unread">
        <span className="alphintra-muted">{trans.__('The chart is not drawn here. %1', describe(error).text)}</span>
        <button type="button" className="alphintra-Chip" onClick={setAgain}>
          {trans.__('try again')}
        </button>
      </p>
    );
  }
  if (first === null) {
    // As high as what comes.
    return (
      <section className="alphintra-Dataset-chart" aria-busy="true" aria-label={trans.__('Loading')}>
        <div className="alphintra-Dataset-chart-head" />
        <div className="alphintra-Chart alphintra-Dataset-canvas alphintra-Skeleton" />
      </section>
    );
  }
  return (
    <ChartArea
      first={first}
      symbols={payload.symbols}
      fired={NONE}
      alphintra={alphintra}
      of={{ id: payload.dataset, version: payload.version }}
      drawn={{
        column: payload.column ?? undefined,
        start: payload.start ?? undefined,
        end: payload.end ?? undefined
      }}
      readChart={symbol => readFirst(client, payload, symbol)}
    />
  );
}

/** The page has what the rules found; always the same, so that nothing is drawn anew for it. */
const NONE: readonly never[] = [];

class CellChartWidget extends ReactWidget {
  constructor(private readonly _props: IProps) {
    super();
    this.addClass('alphintra-Result');
  }

  protected override render(): JSX.Element {
    return <CellChart {...this._props} />;
  }
}

/** A dataset in an output: its chart, and below it what the HTML says of it, without the picture. */
export class DatasetRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(
    private readonly _alphintra: IAlphintra,
    private readonly _rendermime: IRenderMimeRegistry
  ) {
    super();
    this.addClass('alphintra-DatasetRenderer');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const text = JSON.stringify(model.data[DATASET_MIME]);
    if (text === this._text) {
      return;
    }
    this._text = text;
    const payload = payloadOf(model.data[DATASET_MIME]);
    [...this.widgets].forEach(old => old.dispose());
    this.toggleClass('alphintra-mod-live', payload !== null);
    if (payload !== null) {
      const onState = (isDrawn: boolean): void => void this.toggleClass('alphintra-mod-live', isDrawn);
      this.addWidget(new CellChartWidget({ payload, alphintra: this._alphintra, onState }));
    }
    const beside = ['text/html', 'text/plain'].find(mime => mime in model.data);
    if (beside !== undefined) {
      const renderer = this._rendermime.createRenderer(beside);
      this.addWidget(renderer);
      // As trusted as the notebook is: it is the notebook's own HTML.
      await renderer.renderModel(model);
    }
  }

  private _text: string | undefined = undefined;
}
