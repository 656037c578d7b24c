/** What the list of datasets is searched and filtered by. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Choice, SearchField } from '../lists/search.js';
import type { DatasetsModel } from './model.js';
import { assetText } from './words.js';

export function Filters({ model, trans }: { model: DatasetsModel; trans: TranslationBundle }): JSX.Element {
  const choice = (
    field: 'source' | 'asset_class' | 'timeframe',
    label: string,
    options: readonly (readonly [string, string])[]
  ): JSX.Element => (
    <Choice
      label={label}
      all={label}
      value={model.filter[field]}
      options={options}
      onChoose={value => void model.choose({ [field]: value })}
    />
  );
  return (
    <div className="alphintra-Panel-filter alphintra-Datasets-filter" data-lm-suppress-shortcuts="true">
      <SearchField
        placeholder={trans.__('Search: name, symbol, tag')}
        label={trans.__('Search the datasets')}
        value={model.filter.search}
        onSearch={search => void model.choose({ search })}
      />
      <div className="alphintra-Datasets-choices">
        {choice('source', trans.__('Source'), [
          ['USER_UPLOAD', trans.__('Uploaded')],
          ['PLATFORM', trans.__('Platform')],
          ['EXTERNAL', trans.__('Connected')]
        ])}
        {choice('asset_class', trans.__('Asset'), model.seen('asset_class').map(own => [own, assetText(own)]))}
        {choice('timeframe', trans.__('Frame'), model.seen('timeframe').map(own => [own, own]))}
      </div>
    </div>
  );
}
