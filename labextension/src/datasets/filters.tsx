/** What the list of datasets is searched and filtered by. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Choice, SearchField } from '../lists/search.js';
import { isDay } from '../result/format.js';
import type { DatasetsModel } from './model.js';
import { assetText } from './words.js';

/** So many letters are a whole day: what is none by then will not become one. */
const WHOLE = 'YYYY-MM-DD'.length;

/** A day to choose by, written as days are shown; an empty one chooses all. */
function Day(props: { value: string; label: string; title: string; onChoose: (day: string) => void }): JSX.Element {
  const input = React.useRef<HTMLInputElement>(null);
  const [isWrong, setWrong] = React.useState(false);
  React.useEffect(() => {
    // What is typed and no day yet is left as it is.
    if (input.current && (props.value !== '' || isDay(input.current.value.trim()))) {
      input.current.value = props.value;
    }
  }, [props.value]);
  return (
    <label title={props.title}>
      {props.label}
      <input
        ref={input}
        type="text"
        className="alphintra-Input"
        placeholder="YYYY-MM-DD"
        aria-invalid={isWrong}
        defaultValue={props.value}
        onChange={event => {
          const typed = event.target.value.trim();
          const isMeant = typed === '' || isDay(typed);
          // While a day is typed it is none yet: it waits for the rest.
          setWrong(!isMeant && typed.length >= WHOLE);
          if (isMeant) {
            props.onChoose(typed);
          }
        }}
      />
    </label>
  );
}

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
      <div className="alphintra-Datasets-days">
        <Day
          value={model.filter.start}
          label={trans.__('from')}
          title={trans.__('With rows on this day or later')}
          onChoose={start => void model.choose({ start })}
        />
        <Day
          value={model.filter.end}
          label={trans.__('to')}
          title={trans.__('With rows on this day or before')}
          onChoose={end => void model.choose({ end })}
        />
      </div>
    </div>
  );
}
