/** Versions of a dataset: what each was made of. No DOM. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDatasetVersion, IUpload } from '../api/datasets.js';
import type { IStepKind } from '../recipes/schema.js';
import { stepText, stepsOf } from '../recipes/words.js';

/** What made a version. */
export interface IMaking {
  /** In a line. */
  text: string;
  /** Its steps one by one; of what was read from a file none. */
  steps: readonly string[];
}

/** As many steps as are named in a line. */
const FEW = 2;

export function makingOf(
  version: Pick<IDatasetVersion, 'id' | 'dataset_id' | 'recipe' | 'parents'>,
  uploads: readonly Pick<IUpload, 'version_id' | 'filename'>[],
  kinds: readonly IStepKind[],
  trans: TranslationBundle
): IMaking {
  const steps = stepsOf(version.recipe)?.map(step => stepText(step, trans, kinds)) ?? [];
  if (steps.length > 0) {
    const few = steps.slice(0, FEW).join('; ');
    const more = steps.length - FEW;
    return { steps, text: more > 0 ? trans._n('%2; %1 more step', '%2; %1 more steps', more, few) : few };
  }
  const file = uploads.find(upload => upload.version_id === version.id)?.filename ?? null;
  const isAdded = version.parents.some(own => own.dataset_id === version.dataset_id);
  return {
    steps,
    text: isAdded
      ? trans.__('rows added from %1', file ?? trans.__('a file'))
      : file === null
        ? trans.__('a file')
        : trans.__('file %1', file)
  };
}

/** A parent as it is named: `@1` of the same dataset, `vix@3` of one that is known, else by its id. */
export function parentText(
  parent: IDatasetVersion['parents'][number],
  own: string,
  names: ReadonlyMap<string, string>
): string {
  const name = parent.dataset_id === own ? '' : (names.get(parent.dataset_id) ?? parent.dataset_id.slice(0, 8));
  return `${name}@${parent.number}`;
}

/** What a version is compared with unless one chooses: the current one, and that with the one before. */
export function otherThan(
  versions: readonly Pick<IDatasetVersion, 'number' | 'current' | 'state'>[],
  number: number
): number | null {
  const others = versions.filter(own => own.number !== number && own.state === 'ACTIVE');
  const current = others.find(own => own.current);
  const before = others.filter(own => own.number < number).map(own => own.number);
  return current?.number ?? (before.length > 0 ? Math.max(...before) : (others[0]?.number ?? null));
}
